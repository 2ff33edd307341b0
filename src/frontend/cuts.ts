const withinMs = 60_000;
const most = 2;

/** How often a client was cut off since it read too slowly. */
export class Cuts {
  // Most clients never are.
  #atMs: readonly number[] = [];

  /** Whether it may come back once more after this cut: not after the third within a minute. */
  bearable(nowMs: number): boolean {
    const recent = this.#atMs.filter((atMs) => nowMs - atMs < withinMs);
    if (recent.length >= most) return false;
    this.#atMs = [...recent, nowMs];
    return true;
  }
}
