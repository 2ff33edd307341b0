import { constants, type IncomingHttpHeaders } from "node:http2";
import { certificateUris } from "./certificate-uris.ts";
import { type Http2Address, openSession } from "./http2-session.ts";

/** One request with a body, and what becomes of it: `answered` or `failed`, once. */
export interface Http2Call {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** How large the answer may be, in bytes: beyond, it has failed. */
  readonly maxBytes: number;
  answered(answer: Http2Answer): void;
  failed(error: Error): void;
}

/** What a request was answered with. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** One connection over which requests are made. */
export interface Http2Caller {
  /** The URIs of the certificate that the server has shown; undefined: none. */
  readonly certificate: readonly string[] | undefined;
  /** Whether it takes requests. */
  readonly open: boolean;
  /** Makes a request. Gives what breaks it off, after which nothing is heard of it. */
  call(call: Http2Call): () => void;
  /** Asks whether anybody is there. */
  ping(answered: () => void): void;
  /** Closes at once: what is under way fails. */
  destroy(): void;
}

/** How the other end closed a request that was not answered: it may have begun with it. */
class Http2CallError extends Error {
  override readonly name = "Http2CallError";
}

/** @param lost The connection is gone. Once; what was under way has failed before. */
export async function openCaller(at: Http2Address, lost: () => void, signal: AbortSignal): Promise<Http2Caller> {
  const { session, socket } = await openSession(at, { enablePush: false }, signal);
  // Each of its streams listens.
  session.setMaxListeners(0);
  session.once("close", lost);
  // What is there is answered; whoever has more to ask connects again.
  session.once("goaway", () => session.close());

  return {
    certificate: certificateUris(socket),
    get open() {
      return !session.closed && !session.destroyed;
    },
    call({ path, headers, body, maxBytes, answered, failed }) {
      let settled = false;
      const settle = (then: () => void): void => {
        if (settled) return;
        settled = true;
        then();
      };
      if (session.closed || session.destroyed) {
        settled = true;
        queueMicrotask(() => failed(new Http2CallError("the connection is closed")));
        return () => {};
      }
      const stream = session.request({ ...headers, ":method": "POST", ":path": path, te: "trailers" });
      const pieces: Uint8Array[] = [];
      let length = 0;
      let head: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const breakOff = (): void => stream.close(constants.NGHTTP2_CANCEL);
      stream.on("response", (heard) => {
        head = heard;
      });
      stream.on("trailers", (heard) => {
        trailers = heard;
      });
      stream.on("data", (piece: Uint8Array) => {
        length += piece.length;
        if (length <= maxBytes) return void pieces.push(piece);
        settle(() => failed(new Http2CallError(`an answer of more than ${maxBytes} bytes`)));
        breakOff();
      });
      stream.once("end", () => {
        // The status of whoever ended without a word comes with the close.
        if (head[":status"] !== undefined) settle(() => answered({ headers: head, trailers, body: Buffer.concat(pieces) }));
      });
      stream.on("error", (error) => settle(() => failed(error)));
      stream.once("close", () => settle(() => failed(new Http2CallError("the request was closed without an answer"))));
      stream.end(body);
      return () => settle(breakOff);
    },
    ping(answered) {
      if (session.closed || session.destroyed) return;
      session.ping((error) => {
        if (!error) answered();
      });
    },
    destroy() {
      session.destroy();
      socket.destroy();
    },
  };
}
