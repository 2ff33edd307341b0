import { existsSync } from "node:fs";

/** What to do about a first word that is neither a command nor an address, where that is known. */
export function strayWord(word: string, commands: readonly string[]): string {
  if (existsSync(word)) return `a file of lines is played by "nano-cli ADDRESS --script ${word}"`;
  const [, scheme = "", place = ""] = /^([a-z]+):\/\/(.*)$/.exec(word) ?? [];
  if (scheme === "http" || scheme === "https") return `servers are talked to by ${scheme === "http" ? "ws" : "wss"}://${place}`;
  const [, port] = /^:?(\d{1,5})$/.exec(word) ?? [];
  if (port !== undefined) return `an address has a host before its port: 127.0.0.1:${port}`;
  if (word === "localhost" || /^[\w-]+(\.[\w-]+)+$/.test(word)) return `an address has a port behind its host, as ${word}:3250`;
  const like = commands.find((name) => distance(name, word) <= 2);
  if (like !== undefined) return `is it ${like}?`;
  return "an address is HOST:PORT, or begins with tcp://, tls://, ws:// or wss://";
}

/** How many letters must come, go or change to make one of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...one].entries()) {
    const next = [line + 1];
    for (const [at, against] of [...other].entries())
      next.push(Math.min((row[at] ?? 0) + (letter === against ? 0 : 1), (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    row = next;
  }
  return row[other.length] ?? 0;
}
