/** How many of something there may be. */
export interface Quota {
  /** False where there are as many as there may be. */
  take(): boolean;
  giveBack(): void;
}

/** Nothing is taken yet. */
export function createQuota(limit: number): Quota {
  let taken = 0;
  return {
    take() {
      if (taken >= limit) return false;
      taken++;
      return true;
    },
    giveBack() {
      taken--;
    },
  };
}
