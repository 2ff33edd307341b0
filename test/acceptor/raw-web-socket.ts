import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { until } from "../net/recorder.ts";

/** A WebSocket client on raw bytes: it says what it is told, answers nothing, and closes nothing by itself. */
export interface RawWebSocket {
  readonly socket: Socket;
  /** All that came, as one character a byte. */
  readonly text: string;
  /** Sends one frame, masked unless told otherwise. */
  frame(first: number, body?: string | Uint8Array, masked?: boolean): void;
  /** The code of the close frame that came; undefined while none has. */
  readonly closeCode: number | undefined;
  readonly closed: boolean;
}

/** What an upgrade asks with, unless told otherwise. */
const usual: Readonly<Record<string, string>> = {
  Host: "127.0.0.1",
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
};

/** Opens a socket and says nothing. */
export function rawStranger(port: number): RawWebSocket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true }).on("error", () => {});
  let text = "";
  let closed = false;
  let ended = false;
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  socket.on("end", () => {
    ended = true;
  });
  socket.on("close", () => {
    closed = true;
  });
  return {
    socket,
    get text() {
      return text;
    },
    // Its own half stays open: that the peer has ended is all that can be seen, and whether it is gone shows when writing.
    get closed() {
      return closed || ended;
    },
    get closeCode() {
      const frames = text.slice(text.indexOf("\r\n\r\n") + 4);
      const at = frames.indexOf("\x88");
      return at < 0 ? undefined : (frames.charCodeAt(at + 2) << 8) | frames.charCodeAt(at + 3);
    },
    frame(first, body = "", masked = true) {
      const bytes = Buffer.from(body as string, "latin1");
      const long = bytes.length > 125;
      const length = long ? [126, bytes.length >> 8, bytes.length & 0xff] : [bytes.length];
      if (masked) length[0] = (length[0] ?? 0) | 0x80;
      // A mask of zeros masks nothing.
      socket.write(Buffer.concat([Buffer.from([first, ...length]), Buffer.alloc(masked ? 4 : 0), bytes]));
    },
  };
}

/** The text of an upgrade; a header that is undefined is left out. */
export function upgradeText(line = "GET / HTTP/1.1", headers: Readonly<Record<string, string | undefined>> = {}): string {
  const lines = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== undefined);
  return `${line}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Upgrades, and waits for the answer. */
export async function rawUpgrade(
  port: number,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<RawWebSocket> {
  const raw = rawStranger(port);
  raw.socket.write(upgradeText(undefined, headers));
  await until(() => raw.text.includes("\r\n\r\n")).toBe(true);
  return raw;
}
