import { sleep, systemClock } from "../../clock/index.ts";
import { CommandError } from "../command.ts";
import type { Desk } from "./desk.ts";
import type { Verb } from "./verb.ts";
import { at, firstWord, fits, readData } from "./words.ts";

const expectMs = 5_000;

function expectAnswer(desk: Desk, rest: string): void {
  const [word, text] = firstWord(rest);
  const error = desk.values.get("error");
  if (word === "error") {
    if (text === "") throw new CommandError("expect which error? As: expect error not_found");
    if (at(desk.values, "error.code") !== text) throw new CommandError(`expected ${text}, but ${outcome(desk)}`);
    return;
  }
  const wanted = readData(rest);
  if (wanted === undefined) throw new CommandError("expect JSON, expect error CODE, or expect push ROUTE [JSON]");
  if (error !== undefined || !fits(wanted, desk.values.get("last")))
    throw new CommandError(`expected ${rest}, but ${outcome(desk)}`);
}

function outcome(desk: Desk): string {
  const error = desk.values.get("error");
  if (error !== undefined) return `it failed: ${JSON.stringify(error)}`;
  const last = desk.values.get("last");
  return last === undefined ? "nothing was asked" : `it was ${JSON.stringify(last)}`;
}

/** What scripts see by that all is as it should be. */
export const expectingVerbs: readonly Verb[] = [
  {
    ...{
      name: "expect",
      usage: "expect JSON|error CODE|push ROUTE [JSON]",
      summary: "fails where the answer, the error or the next push is another",
    },
    words: () => ["error", "push"],
    async run(desk, rest) {
      const [word, behind] = firstWord(rest);
      if (word !== "push") return expectAnswer(desk, rest);
      const [route, text] = firstWord(behind);
      if (route === "") throw new CommandError("expect which push? As: expect push ROUTE [JSON]");
      desk.values.set("last", await desk.expectPush(route, readData(text), expectMs));
      desk.values.delete("error");
    },
  },
  {
    ...{ name: "wait", usage: "wait MS", summary: "waits so many milliseconds" },
    async run(desk, rest) {
      if (!/^\d{1,7}$/.test(rest)) throw new CommandError("wait how many milliseconds? As: wait 500");
      await sleep(systemClock, Number(rest), desk.interrupted);
    },
  },
];
