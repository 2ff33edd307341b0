/** The part of a page that tells when it comes back to life. */
interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  readonly document?: Page & { readonly visibilityState?: string };
}

/** Calls when a page is shown again, or the network is back: its timers may have slept. Nowhere else; gives what ends it. */
export function onWake(call: () => void): () => void {
  const page = globalThis as Page;
  const { document } = page;
  if (!document) return () => {};
  const shown = (): void => {
    if (document.visibilityState === "visible") call();
  };
  const each = (does: "addEventListener" | "removeEventListener"): void => {
    page[does]?.("online", call);
    page[does]?.("pageshow", call);
    document[does]?.("visibilitychange", shown);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
