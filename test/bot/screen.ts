// biome-ignore-all lint/suspicious/noControlCharactersInRegex: they are what it is about
/** What stands on a terminal: the few sequences that are used here. */
export class Screen {
  readonly lines: string[] = [""];
  #row = 0;
  #column = 0;
  #rest = "";

  write(text: string): void {
    const whole = this.#rest + text;
    // A sequence that is cut in two waits for its end.
    const cut = /\u001B(\[[\d;?]*)?$/.exec(whole)?.[0] ?? "";
    this.#rest = cut;
    for (const [found, count, what] of whole
      .slice(0, whole.length - cut.length)
      .matchAll(/\u001B\[([\d;?]*)([A-Za-z])|[\s\S]/g)) {
      if (what === undefined) this.#put(found);
      else if (what === "A") this.#row = Math.max(0, this.#row - Number(count || 1));
      else if (what === "J") {
        this.lines.length = this.#row + 1;
        this.#clear();
      } else if (what === "K") this.#clear();
    }
  }

  #clear(): void {
    this.lines[this.#row] = (this.lines[this.#row] ?? "").slice(0, this.#column);
  }

  #put(letter: string): void {
    if (letter === "\r") this.#column = 0;
    else if (letter === "\n") this.#row++;
    else {
      const line = (this.lines[this.#row] ?? "").padEnd(this.#column);
      this.lines[this.#row] = line.slice(0, this.#column) + letter + line.slice(this.#column + 1);
      this.#column++;
    }
    while (this.lines.length <= this.#row) this.lines.push("");
  }
}
