/** Calls when a signal aborts; one that has aborted already calls nobody. Gives what ends that. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  signal?.addEventListener("abort", call, { once: true });
  return () => signal?.removeEventListener("abort", call);
}
