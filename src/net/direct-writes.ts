import { getSystemErrorName } from "node:util";

/** What is inside of a socket of Node, as far as it is needed to write. */
export interface WritesDirectly {
  /** Gives an error's number, or 0. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

/** Node's side of a write that the system does not take at once. */
interface WriteRequest {
  oncomplete: (status: number) => void;
  /** Kept until then. */
  buffer?: Uint8Array;
}

/** What Node's sockets write with, as `process.binding` shows it. */
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** Who writes. */
export interface Sender {
  /** All that was written was taken, later than at once; or never will be, and why. */
  taken(failed: Error | undefined): void;
}

/**
 * Writes past the machinery of streams: a request of Node's for each write, and the state of a stream, cost as much as 0.9 µs. A request is only used where the
 * system does not take everything at once, so that one serves all sockets until then.
 */
class DirectWrites {
  readonly #binding: StreamBinding;
  #spare: WriteRequest;

  constructor(binding: StreamBinding) {
    this.#binding = binding;
    this.#spare = new binding.WriteWrap();
  }

  write(handle: WritesDirectly, bytes: Uint8Array, sender: Sender): "at once" | "later" | "failed" {
    const request = this.#spare;
    if (handle.writeBuffer(request, bytes) !== 0) return "failed";
    const { streamBaseState, kLastWriteWasAsync, WriteWrap } = this.#binding;
    if (streamBaseState[kLastWriteWasAsync] === 0) return "at once";
    request.buffer = bytes;
    request.oncomplete = (status) => sender.taken(status < 0 ? failure(status) : undefined);
    this.#spare = new WriteWrap();
    return "later";
  }
}

/** Undefined where this Node does not let us, or has changed: then sockets write as they always do. */
export const directWrites: DirectWrites | undefined = open();

function open(): DirectWrites | undefined {
  const { binding } = process as { readonly binding?: (name: string) => Partial<StreamBinding> };
  try {
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding?.("stream_wrap") ?? {};
    if (!WriteWrap || !(streamBaseState instanceof Int32Array) || kLastWriteWasAsync === undefined) return undefined;
    return new DirectWrites({ WriteWrap, streamBaseState, kLastWriteWasAsync });
  } catch {
    return undefined;
  }
}

function failure(status: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: "write" });
}
