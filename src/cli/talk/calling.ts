import { NanoError } from "../../client/index.ts";
import { systemClock } from "../../clock/index.ts";
import { CommandError } from "../command.ts";
import type { Desk } from "./desk.ts";
import { shown, slot, type Verb } from "./verb.ts";
import { firstWord, readData } from "./words.ts";

async function ask(desk: Desk, rest: string): Promise<void> {
  const [route, text] = firstWord(rest);
  if (route === "") throw new CommandError("request which route? As: request ROUTE [JSON]");
  const began = systemClock.now();
  try {
    const data = await desk.talk.request(route, readData(text));
    desk.values.set("last", data);
    desk.values.delete("error");
    desk.printer.answer(route, data, { tookMs: desk.timing ? systemClock.now() - began : undefined, pretty: desk.pretty });
  } catch (reason) {
    if (!(reason instanceof NanoError)) throw reason;
    desk.values.set("error", { code: reason.code, message: reason.message, metadata: { ...reason.metadata } });
    desk.values.delete("last");
    desk.printer.failed(route, reason);
  }
}

/** What is asked, told and heard. */
export const callingVerbs: readonly Verb[] = [
  {
    ...{ name: "request", usage: "request ROUTE [JSON]", summary: "asks, and shows the answer", takes: "request" },
    run: ask,
  },
  {
    ...{ name: "notify", usage: "notify ROUTE [JSON]", summary: "tells, without an answer", takes: "notify" },
    run(desk, rest) {
      const [route, text] = firstWord(rest);
      if (route === "") throw new CommandError("notify which route? As: notify ROUTE [JSON]");
      desk.talk.notify(route, readData(text));
    },
  },
  {
    ...{
      name: "on",
      usage: "on ROUTE [pretty] [JSON]",
      summary: "shows a push as it comes; with JSON, those that have at least that; pretty: over several lines",
      takes: "push",
    },
    run(desk, rest) {
      const [route, behind] = firstWord(rest);
      if (route === "") throw new CommandError('on which push? As: on ROUTE [pretty] [JSON], or "on *"');
      const [word, text] = firstWord(behind);
      const pretty = word === "pretty";
      const wanted = readData(pretty ? text : behind);
      const { talk, at, pushes } = desk;
      if (route !== "*") return pushes.show(at, talk, route, { wanted, pretty });
      const { book } = talk;
      if (!book.known) throw new CommandError('"on *" needs the schema: name the route, or give --schema FOLDER');
      for (const one of book.routes) if (one.kind === "push") pushes.show(at, talk, one.route, { wanted, pretty });
    },
  },
  {
    ...{ name: "off", usage: "off ROUTE", summary: "shows it no more; off *: none of them" },
    words: ({ pushes, at }) => [...pushes.shown(at), "*"],
    run({ pushes, at }, rest) {
      const heard = rest === "*" ? pushes.shown(at) : [rest];
      for (const route of heard) if (!pushes.hide(at, route)) throw new CommandError(`nobody listens to ${route}`);
    },
  },
  {
    ...{
      name: "last",
      usage: "last",
      summary: `shows the last answer again; in data ${slot("last")} stands for it, ${slot("last.members[0]")} for a part of it`,
    },
    run(desk) {
      desk.printer.note(shown(desk.values.get("last") ?? desk.values.get("error"), desk.pretty));
    },
  },
  {
    ...{ name: "set", usage: "set NAME JSON", summary: `keeps a value: ${slot("NAME")} stands for it from now on` },
    run(desk, rest) {
      const [name, text] = firstWord(rest);
      const value = readData(text);
      if (!/^[a-zA-Z_]\w*$/.test(name) || value === undefined) throw new CommandError('set NAME JSON, as: set name "ann"');
      desk.values.set(name, value);
    },
  },
];
