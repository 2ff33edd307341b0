import { systemClock, within } from "../../clock/index.ts";
import { type ByteStream, systemNet } from "../../net/index.ts";

/** What a server of Redis answered: undefined is its nil. */
type Answer = string | undefined;

const defaultPort = 6_379;
const timeoutMs = 5_000;
// A state is an object of a few values.
const mostBytes = 16 * 1_024 * 1_024;

/** Where a Redis is, by HOST:PORT or redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]. Throws a TypeError on what is neither. */
export function redisAt(address: string): URL {
  const text = address.includes("://") ? address : `redis://${address}`;
  if (!text.startsWith("redis://") || !URL.canParse(text) || new URL(text).hostname === "")
    throw new TypeError(`--redis is HOST:PORT, or redis://HOST:PORT, not "${address}"`);
  return new URL(text);
}

/** Runs one command on a connection of its own. Rejects with an Error where it cannot, or within 5 s does not. */
export async function askRedis(at: URL, ...command: readonly string[]): Promise<Answer> {
  const { hostname, port, username, password, pathname } = at;
  const user = username === "" ? [] : [decodeURIComponent(username)];
  const commands = [
    ...(password === "" ? [] : [["AUTH", ...user, decodeURIComponent(password)]]),
    ...(pathname.length > 1 ? [["SELECT", pathname.slice(1)]] : []),
    command,
  ];
  const giveUp = new AbortController();
  let stream: ByteStream | undefined;
  const answers = new Promise<Answer>((resolve, reject) => {
    let heard = "";
    const events = {
      data(bytes: Uint8Array): void {
        // A letter for each byte, so that lengths are true.
        heard += Buffer.from(bytes).toString("latin1");
        if (heard.length > mostBytes) return reject(new Error(`an answer of over ${mostBytes} bytes`));
        try {
          const all = readAnswers(heard, commands.length);
          if (all) resolve(all.at(-1));
        } catch (reason) {
          reject(reason);
        }
      },
      drain: () => {},
      closed: (error?: Error): void => reject(error ?? new Error("the connection was closed")),
    };
    const place = { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? defaultPort : Number(port) };
    systemNet.connect(place, events, giveUp.signal).then((opened) => {
      stream = opened;
      opened.write(Buffer.from(commands.map(written).join("")));
    }, reject);
  });
  try {
    return await within(systemClock, timeoutMs, answers, () => {
      giveUp.abort();
      throw new Error(`no answer within ${timeoutMs} ms`);
    });
  } catch (reason) {
    throw new Error(`redis ${at.host}: ${reason instanceof Error ? reason.message : reason}`, { cause: reason });
  } finally {
    stream?.destroy();
  }
}

function written(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

/** So many answers; undefined where they have not all come. Throws what one of them says went wrong, and on what is no answer. */
function readAnswers(text: string, count: number): readonly Answer[] | undefined {
  const answers: Answer[] = [];
  let at = 0;
  while (answers.length < count) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const [kind, rest] = [text[at], text.slice(at + 1, end)];
    at = end + 2;
    if (kind === "-") throw new Error(rest);
    if (kind === "+" || kind === ":") answers.push(rest);
    else if (kind !== "$") throw new Error("that is no Redis, or an answer that is neither text nor number");
    else if (rest === "-1") answers.push(undefined);
    else {
      const length = Number(rest);
      if (text.length < at + length + 2) return undefined;
      answers.push(Buffer.from(text.slice(at, at + length), "latin1").toString());
      at += length + 2;
    }
  }
  return answers;
}
