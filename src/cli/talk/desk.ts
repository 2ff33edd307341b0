import type { JsonValue } from "@bufbuild/protobuf";
import { type ClientState, NanoError } from "../../client/index.ts";
import { systemClock } from "../../clock/index.ts";
import type { ClusterAccess } from "../cluster/cluster-flags.ts";
import { CommandError } from "../command.ts";
import type { Printer } from "./printer.ts";
import { openTalk, type Talk, type TalkOptions } from "./talk.ts";
import { fits } from "./words.ts";

/** How conversations are opened, where a line does not say. */
export interface DeskOptions extends Omit<TalkOptions, "wire" | "state" | "complain"> {
  /** Undefined: no cluster is known. */
  readonly cluster: ClusterAccess | undefined;
}

/** How a push is heard. */
interface Hearing {
  /** What it must have to be shown; undefined: nothing. */
  readonly wanted: JsonValue | undefined;
  /** Over several lines. */
  readonly pretty: boolean;
}

/** A push that came. */
interface Heard {
  readonly route: string;
  readonly data: JsonValue;
}

interface Waiting {
  readonly wanted: (heard: Heard) => boolean;
  readonly found: (heard: Heard) => void;
}

// Pushes that nobody has expected yet; a script that expects none must not fill the memory.
const mostHeard = 10_000;
// Lines that were typed.
const mostLines = 1_000;

/** What somebody who types works at: one conversation at hand, others beside it, the values that were kept. */
export class Desk {
  readonly printer: Printer;
  readonly values = new Map<string, JsonValue>();
  readonly talks = new Map<string, Talk>();
  readonly #options: DeskOptions;
  readonly #listening = new Map<string, () => void>();
  #heard: Heard[] = [];
  #waiting: Waiting[] = [];
  #user: JsonValue | undefined;
  #at = "1";
  timing = false;
  raw = false;
  pretty = false;
  /** Undefined: no cluster is known. */
  cluster: ClusterAccess | undefined;
  /** What was typed, the newest last. */
  lines: readonly string[] = [];

  constructor(options: DeskOptions, printer: Printer) {
    this.#options = options;
    this.#user = options.user;
    this.cluster = options.cluster;
    this.printer = printer;
  }

  /** The conversation at hand. Throws a CommandError where there is none. */
  get talk(): Talk {
    const talk = this.talks.get(this.#at);
    if (!talk) throw new CommandError('not connected: "connect ADDRESS"');
    return talk;
  }

  get open(): Talk | undefined {
    return this.talks.get(this.#at);
  }

  /** Notes a line that was typed. */
  typed(line: string): void {
    this.lines = [...this.lines.slice(1 - mostLines), line];
  }

  /** The name of the session at hand. */
  get at(): string {
    return this.#at;
  }

  use(name: string): void {
    this.#at = name;
  }

  /** What the next handshake tells as `user`. */
  set user(user: JsonValue | undefined) {
    this.#user = user;
  }

  get user(): JsonValue | undefined {
    return this.#user;
  }

  async connect(address: string): Promise<Talk> {
    await this.disconnect();
    const name = this.#at;
    const talk = await openTalk(address, {
      ...this.#options,
      user: this.#user,
      wire: (way, bytes) => {
        if (this.raw) this.printer.raw(way, bytes);
      },
      complain: (why) => this.printer.note(why),
      state: (state) => this.#state(name, state),
    });
    this.talks.set(name, talk);
    return talk;
  }

  async disconnect(): Promise<void> {
    const name = this.#at;
    const talk = this.talks.get(name);
    for (const [key, off] of this.#listening) {
      if (!key.startsWith(`${name}\n`)) continue;
      off();
      this.#listening.delete(key);
    }
    this.talks.delete(name);
    await talk?.close();
  }

  async close(): Promise<void> {
    for (const name of [...this.talks.keys()]) {
      this.#at = name;
      await this.disconnect();
    }
  }

  /** Hears a push of the session at hand. */
  listen(route: string, { wanted, pretty }: Hearing): void {
    const key = `${this.#at}\n${route}`;
    this.#listening.get(key)?.();
    const off = this.talk.on(route, (data) => {
      if (wanted !== undefined && !fits(wanted, data)) return;
      this.printer.push(this.talks.size > 1 ? `${key.split("\n", 1)[0]} ${route}` : route, data, pretty || this.pretty);
      this.#told({ route, data });
    });
    this.#listening.set(key, off);
  }

  /** Hears it no more. Gives whether it did. */
  unlisten(route: string): boolean {
    const key = `${this.#at}\n${route}`;
    this.#listening.get(key)?.();
    return this.#listening.delete(key);
  }

  /** The routes that the session at hand hears. */
  listened(): readonly string[] {
    const own = `${this.#at}\n`;
    return [...this.#listening.keys()].filter((key) => key.startsWith(own)).map((key) => key.slice(own.length));
  }

  listensTo(route: string): boolean {
    return this.#listening.has(`${this.#at}\n${route}`);
  }

  /** The first push that fits and that was not expected before: one that has come, or the next that does. Rejects after so long. */
  expectPush(route: string, wanted: JsonValue | undefined, timeoutMs: number): Promise<JsonValue> {
    if (!this.listensTo(route)) this.listen(route, { wanted: undefined, pretty: false });
    const isWanted = (heard: Heard): boolean => heard.route === route && (wanted === undefined || fits(wanted, heard.data));
    const at = this.#heard.findIndex(isWanted);
    const come = this.#heard[at];
    if (come) {
      this.#heard.splice(at, 1);
      return Promise.resolve(come.data);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        wanted: isWanted,
        found: ({ data }) => {
          timer.cancel();
          resolve(data);
        },
      };
      const timer = systemClock.after(timeoutMs, () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(new CommandError(`no such push on ${route} within ${timeoutMs} ms`));
      });
      this.#waiting.push(waiting);
    });
  }

  #told(heard: Heard): void {
    const waiting = this.#waiting.find(({ wanted }) => wanted(heard));
    if (!waiting) {
      if (this.#heard.push(heard) > mostHeard) this.#heard.shift();
      return;
    }
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    waiting.found(heard);
  }

  #state(name: string, state: ClientState): void {
    const of = this.talks.size > 1 ? `${name}: ` : "";
    if (state.name === "waiting")
      this.printer.note(`${of}offline (${state.error.message}), again in ${Math.round(state.retryInMs)} ms`);
    else if (state.name === "open" && state.via !== "first") this.printer.note(`${of}back, by ${state.via}`);
    else if (state.name === "closed" && this.talks.has(name)) {
      this.printer.note(`${of}closed: ${NanoError.from(state.reason).message}`);
      this.talks.delete(name);
    }
  }
}
