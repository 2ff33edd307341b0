/** What comes, until the signal aborts: then its reason is thrown, whoever still waits for more. */
export async function* untilAborted<T>(values: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = values[Symbol.asyncIterator]();
  let fail = (_reason: unknown): void => {};
  signal.addEventListener("abort", () => fail(signal.reason), { once: true });
  for (;;) {
    const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
      fail = reject;
      if (signal.aborted) reject(signal.reason);
      iterator.next().then(resolve, reject);
    });
    if (next.done) return;
    yield next.value;
  }
}
