import type { ServerInfo } from "../discovery/index.ts";
import { createCallSeconds } from "../metrics/index.ts";

/** How long what a server says of itself takes through discovery: from telling it to finding it in the list that everybody sees. */
export class DiscoveryLag {
  readonly seconds = createCallSeconds();
  readonly #now: () => number;
  #found = "";
  #told: { readonly text: string; readonly atMs: number } | undefined;

  /** @param now The clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Discovery is about to be told. Gives the record back. */
  told(self: ServerInfo): ServerInfo {
    const text = textOf(self);
    // What is there already brings no change, and so no sign; of what is told again the first time counts.
    if (text === this.#found) this.#told = undefined;
    else if (text !== this.#told?.text) this.#told = { text, atMs: this.#now() };
    return self;
  }

  /** How the list has this server now; undefined: not at all. */
  found(self: ServerInfo | undefined): void {
    this.#found = self ? textOf(self) : "";
    const told = this.#told;
    if (!told || told.text !== this.#found) return;
    this.#told = undefined;
    this.seconds.observe((this.#now() - told.atMs) / 1_000);
  }
}

/** What changes in the life of a record. */
function textOf({ state, addresses, metadata }: ServerInfo): string {
  return JSON.stringify([state, addresses, Object.entries(metadata).sort()]);
}
