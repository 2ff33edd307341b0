import { expect, vi } from "vitest";
import type { ByteStream, StreamEvents } from "../../src/net/index.ts";

/** What one end of a stream has heard. */
export class Recorder implements StreamEvents {
  text = "";
  byteCount = 0;
  drains = 0;
  /** Every `closed`, with its error. There must be one. */
  readonly closes: (Error | undefined)[] = [];
  /** Whatever came after `closed`. There must be none. */
  readonly late: string[] = [];
  readonly #decoder = new TextDecoder();

  data(data: Uint8Array): void {
    this.#note("data");
    this.byteCount += data.length;
    if (this.byteCount < 100_000) this.text += this.#decoder.decode(data, { stream: true });
  }

  drain(): void {
    this.#note("drain");
    this.drains++;
  }

  closed(error?: Error): void {
    this.#note("closed");
    this.closes.push(error);
  }

  #note(what: string): void {
    if (this.closes.length > 0) this.late.push(what);
  }
}

/** One accepted stream, and what it heard. */
export interface Accepted {
  readonly stream: ByteStream;
  readonly heard: Recorder;
}

/** An `accept` that keeps every stream. */
export function acceptor(onAccept: (stream: ByteStream) => void = () => {}): {
  readonly accepted: readonly Accepted[];
  accept(stream: ByteStream): StreamEvents;
} {
  const accepted: Accepted[] = [];
  return {
    accepted,
    accept(stream) {
      const heard = new Recorder();
      accepted.push({ stream, heard });
      onAccept(stream);
      return heard;
    },
  };
}

/** What is waited for. */
export interface Until {
  toBe(value: unknown): Promise<void>;
  toEqual(value: unknown): Promise<void>;
  toBeGreaterThan(value: number): Promise<void>;
}

/** Waits until it is so: as `expect.poll`, also beside tests and in tests side by side. */
export function until(look: () => unknown, timeoutMs = 5_000): Until {
  const wait = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: timeoutMs, interval: 5 });
  return {
    toBe: (value) => wait(() => expect(look()).toBe(value)),
    toEqual: (value) => wait(() => expect(look()).toEqual(value)),
    toBeGreaterThan: (value) => wait(() => expect(look()).toBeGreaterThan(value)),
  };
}

/** The first of a list that is filled by others. */
export async function first<T>(list: readonly T[], timeoutMs = 5_000): Promise<T> {
  await until(() => list.length, timeoutMs).toBeGreaterThan(0);
  return list[0] as T;
}

const sockets = new Set([
  "TCPSocketWrap",
  "TCPServerWrap",
  "TLSWrap",
  "TCPConnectWrap",
  "ShutdownWrap",
  "WriteWrap",
  "GetAddrInfoReqWrap",
]);

/** How many sockets this process has open: a test that leaks one sees it here. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => sockets.has(name)).length;
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
