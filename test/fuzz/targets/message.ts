import { decodeMessage, encodeMessage, MessageError, MessageKind } from "../../../src/message/index.ts";
import { bytesOf as vectorBytes, vectors } from "../../vectors/vectors.ts";
import { bytesOf, holds, sameBytes, type Target } from "../engine/target.ts";

// Messages stand somewhere in a buffer: what is before and behind them must not matter.
const before = 3;
const behind = 4;

/** The body of a Data packet. */
export const message: Target = {
  name: "message",
  throws: MessageError,
  maxBytes: 65_532,
  tokens: [
    "a.b",
    "room.room.join",
    "é",
    "\u{1f600}",
    Uint8Array.of(0x80, 0x80),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(255),
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [index, one] of [...vectors.valid, ...vectors.invalid].entries()) {
      const bytes = vectorBytes(one);
      if (one.scope === "message" || one.id.startsWith("X")) all[`${one.id}-${index}`] = bytes;
      else if (one.scope === "packet" && bytes[0] === 4) all[`${one.id}-${index}`] = bytes.subarray(4);
    }
    const ids = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER];
    for (const id of ids) all[`request-${id}`] = written(MessageKind.request, { id });
    for (const id of ids) all[`response-${id}`] = written(MessageKind.response, { id });
    all["longest-route"] = written(MessageKind.notify, { route: "r".repeat(255) });
    all["wide-route"] = written(MessageKind.push, { route: "räum.é.\u{1f600}" });
    all["code"] = written(MessageKind.push, { code: 0xffff });
    all["compressed"] = written(MessageKind.request, { id: 4, compressed: true });
    all["error"] = written(MessageKind.response, { id: 4, error: true });
    all["id-over-53-bits"] = bytesOf(0, Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 31), 1, "a");
    all["id-of-zeros"] = bytesOf(4, new Uint8Array(12).fill(0x80), 0);
    all["route-of-half-a-character"] = bytesOf(2, 1, Uint8Array.of(0xc3), "x");
    return all;
  },
  run(bytes) {
    const buffer = bytesOf("\u0000\u0001\u0002", bytes, new Uint8Array(behind).fill(0xff));
    const to = before + bytes.length;
    const message = decodeMessage(buffer, before, to);
    holds(message.bodyFrom > before && message.bodyFrom <= to && message.bodyTo === to, "a body outside of the message");
    holds(Number.isSafeInteger(message.id) && message.id >= 0, `the id ${message.id}`);
    holds((message.route === undefined) === (message.code >= 0 || message.kind === MessageKind.response), "two routes, or none");
    const body = buffer.subarray(message.bodyFrom, message.bodyTo);
    // A route that was no UTF-8 is longer when it is written, and need not fit any more.
    if ((message.route ?? "").includes("\ufffd")) return;
    const written = encodeMessage(message, body);
    const again = decodeMessage(written, 0, written.length);
    holds(again.id === message.id && again.route === message.route && again.code === message.code, "it is written as another");
    holds(sameBytes(written.subarray(again.bodyFrom, again.bodyTo), body), "its body is another");
  },
};

function written(
  kind: MessageKind,
  differs: { readonly [N in "id" | "code"]?: number } & { route?: string; compressed?: true; error?: true },
) {
  const header = { kind, id: 0, route: "room.room.join", code: -1, compressed: false, error: false, ...differs };
  return encodeMessage(header, bytesOf('{"room":"r"}'));
}
