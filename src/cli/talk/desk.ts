import type { JsonValue } from "@bufbuild/protobuf";
import type { ClientState } from "../../client/index.ts";
import type { ClusterAccess } from "../cluster/cluster-flags.ts";
import { CommandError } from "../command.ts";
import { encodingIn, type ToldHandshake } from "./handshake.ts";
import type { Printer } from "./printer.ts";
import { Pushes } from "./pushes.ts";
import { openTalk, type Talk, type TalkOptions } from "./talk.ts";

/** How conversations are opened, where a line does not say. */
export interface DeskOptions extends Omit<TalkOptions, "wire" | "state" | "complain" | "failed" | "encoding"> {
  /** Undefined: no cluster is known. */
  readonly cluster: ClusterAccess | undefined;
}

// Lines that were typed.
const mostLines = 1_000;

/** What somebody who types works at: one conversation at hand, others beside it, the values that were kept. */
export class Desk {
  readonly printer: Printer;
  readonly values = new Map<string, JsonValue>();
  readonly talks = new Map<string, Talk>();
  readonly pushes: Pushes;
  readonly #options: DeskOptions;
  #at = "1";
  #line = new AbortController();
  timing = false;
  raw = false;
  pretty = false;
  /** What the next handshake tells. */
  told: ToldHandshake;
  /** Undefined: no cluster is known. */
  cluster: ClusterAccess | undefined;
  /** What was typed, the newest last. */
  lines: readonly string[] = [];

  constructor(options: DeskOptions, printer: Printer) {
    this.#options = options;
    this.told = options.told;
    this.cluster = options.cluster;
    this.printer = printer;
    this.pushes = new Pushes(({ session, route, data }, pretty) =>
      printer.push(this.talks.size > 1 ? `${session} ${route}` : route, data, pretty || this.pretty),
    );
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

  /** Notes a line that was typed, and is done now. */
  typed(line: string): void {
    this.#line = new AbortController();
    this.lines = [...this.lines.slice(1 - mostLines), line];
  }

  /** Ends the line that is being done: what it waits for is given up. */
  interrupt(): void {
    this.#line.abort(new CommandError("given up"));
  }

  /** Aborts, with a CommandError, when the line that is being done has to end. */
  get interrupted(): AbortSignal {
    return this.#line.signal;
  }

  /** The name of the session at hand. */
  get at(): string {
    return this.#at;
  }

  use(name: string): void {
    this.#at = name;
  }

  async connect(address: string): Promise<Talk> {
    await this.disconnect();
    const { interrupted } = this;
    const name = this.#at;
    const talk = await openTalk(address, {
      ...this.#options,
      told: this.told,
      encoding: encodingIn(this.told),
      wire: (way, bytes) => {
        if (this.raw) this.printer.raw(way, bytes);
      },
      complain: (why) => this.printer.note(why),
      failed: (route, code, message) => this.printer.unhandled(`${this.talks.size > 1 ? `${name} ` : ""}${route}`, code, message),
      state: (state) => this.#state(name, state),
    });
    // Given up meanwhile: nobody would close it.
    if (interrupted.aborted) await talk.close();
    interrupted.throwIfAborted();
    this.talks.set(name, talk);
    this.pushes.begin(name, talk);
    return talk;
  }

  async disconnect(): Promise<void> {
    const name = this.#at;
    const talk = this.talks.get(name);
    this.pushes.end(name);
    this.talks.delete(name);
    await talk?.close();
  }

  async close(): Promise<void> {
    for (const name of [...this.talks.keys()]) {
      this.#at = name;
      await this.disconnect();
    }
  }

  /** The first push of the session at hand that fits and that was not expected before: one that has come, or the next that does. Rejects after so long. */
  expectPush(route: string, wanted: JsonValue | undefined, timeoutMs: number): Promise<JsonValue> {
    const { talk, interrupted: signal } = this;
    return this.pushes.expect({ session: this.#at, talk, route }, wanted, { timeoutMs, signal });
  }

  #state(name: string, state: ClientState): void {
    const of = this.talks.size > 1 || name !== this.#at ? `${name}: ` : "";
    if (state.name === "waiting")
      this.printer.note(`${of}offline (${state.error.message}), again in ${Math.round(state.retryInMs)} ms`);
    else if (state.name === "open" && state.via !== "first") this.printer.note(`${of}back, by ${state.via}`);
    else if (state.name === "closed" && this.talks.has(name)) {
      this.printer.note(`${of}closed: ${state.reason.code}, ${state.reason.message}`);
      this.talks.delete(name);
    }
  }
}
