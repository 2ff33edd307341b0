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
  page.addEventListener?.("online", call);
  page.addEventListener?.("pageshow", call);
  document.addEventListener?.("visibilitychange", shown);
  return () => {
    page.removeEventListener?.("online", call);
    page.removeEventListener?.("pageshow", call);
    document.removeEventListener?.("visibilitychange", shown);
  };
}
