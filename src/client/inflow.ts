import type { DecodedMessage } from "../message/index.ts";

/** What comes in on one connection, in the order it came, whether it must be inflated or not. */
export interface Inflow {
  /** Takes a message; its body stands in the buffer and is only true during the call. */
  take(message: DecodedMessage, buffer: Uint8Array): void;
  /** Runs `over` when everything that was taken is delivered, at once if it is. */
  end(over: () => void): void;
}

/** What an inflow is made of. */
export interface InflowOptions {
  /** The largest body, inflated. */
  readonly maxBytes: number;
  /** Hears of each message, its body inflated. What it throws is a failure. */
  deliver(message: DecodedMessage, buffer: Uint8Array): void;
  /** A message could not be inflated or delivered: nothing that came after it is. */
  failed(reason: unknown): void;
}

// How many of the largest bodies may wait for one that is being inflated.
const mostWaiting = 4;

/** Messages go straight through, except behind one that is being inflated: platforms inflate in their own time. */
export function createInflow({ maxBytes, deliver, failed }: InflowOptions): Inflow {
  let waiting: { readonly message: DecodedMessage; readonly body: Uint8Array }[] = [];
  let bytes = 0;
  let busy = false;
  let ended: (() => void) | undefined;

  async function pump(): Promise<void> {
    busy = true;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { message } = next;
        const body = message.compressed ? await inflate(next.body, maxBytes) : next.body;
        bytes -= next.body.length;
        deliver({ ...message, compressed: false, bodyFrom: 0, bodyTo: body.length }, body);
      }
      busy = false;
    } catch (reason) {
      waiting = [];
      busy = false;
      failed(reason);
    }
    ended?.();
  }

  return {
    take(message, buffer) {
      if (!busy && !message.compressed) return deliver(message, buffer);
      const body = buffer.slice(message.bodyFrom, message.bodyTo);
      bytes += body.length;
      if (bytes > maxBytes * mostWaiting) throw new Error("more comes than can be inflated");
      waiting.push({ message: { ...message }, body });
      if (!busy) void pump();
    },
    end(over) {
      if (busy) ended = over;
      else over();
    },
  };
}

/** Whether this platform inflates. */
export function canInflate(): boolean {
  return typeof DecompressionStream === "function";
}

/** Inflates a body with a zlib header. Rejects where it has none, or would have over `maxBytes`. */
async function inflate(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  // What the platform calls deflate is zlib.
  const { readable, writable } = new DecompressionStream("deflate");
  const writer = writable.getWriter();
  // Whoever reads hears of what is wrong.
  for (const done of [writer.write(Uint8Array.from(body)), writer.close()]) done.catch(() => {});
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let { done, value } = await reader.read(); !done && value; { done, value } = await reader.read()) {
    length += value.length;
    if (length > maxBytes) {
      reader.cancel().catch(() => {});
      throw new Error(`a body inflates to over ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
