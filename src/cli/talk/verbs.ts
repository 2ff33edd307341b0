import type { JsonValue } from "@bufbuild/protobuf";
import { NanoError } from "../../client/index.ts";
import { systemClock } from "../../clock/index.ts";
import { CommandError } from "../command.ts";
import { comeBack, comeBackCounting } from "./come-back.ts";
import { describeEnum, describeMessage, describeRoute, findType } from "./describe.ts";
import type { Desk } from "./desk.ts";
import { at, firstWord, fits, readData } from "./words.ts";

/** One thing that can be typed. */
export interface Verb {
  readonly name: string;
  /** As "request ROUTE [JSON]". */
  readonly usage: string;
  readonly summary: string;
  /** What stands in the first place behind it, for completion. */
  readonly takes?: "request" | "notify" | "push" | "route";
  /** @param rest What was typed behind it, with its values filled in. Throws a CommandError where it cannot; NanoErrors are the server's. */
  run(desk: Desk, rest: string): void | Promise<void>;
}

const expectMs = 5_000;

// How a value is named in data.
const slot = (path: string): string => `\${${path}}`;

async function ask(desk: Desk, rest: string): Promise<void> {
  const [route, text] = firstWord(rest);
  const began = systemClock.now();
  try {
    const data = await desk.talk.request(route, readData(text));
    desk.values.set("last", data);
    desk.values.delete("error");
    desk.printer.answer(route, data, desk.timing ? systemClock.now() - began : undefined);
  } catch (reason) {
    if (!(reason instanceof NanoError)) throw reason;
    desk.values.set("error", { code: reason.code, message: reason.message, metadata: { ...reason.metadata } });
    desk.values.delete("last");
    desk.printer.failed(route, reason);
  }
}

function expectAnswer(desk: Desk, rest: string): void {
  const [word, text] = firstWord(rest);
  const error = desk.values.get("error");
  if (word === "error") {
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

function onOff(rest: string, was: boolean): boolean {
  if (rest !== "" && rest !== "on" && rest !== "off") throw new CommandError('it is "on" or "off"');
  return rest === "" ? !was : rest === "on";
}

function words(data: JsonValue | undefined): string {
  return data === undefined ? "nothing" : JSON.stringify(data);
}

/** All that can be typed, but for `help` and `exit`. */
export const verbs: readonly Verb[] = [
  {
    ...{ name: "connect", usage: "connect ADDRESS", summary: "opens a session: HOST:PORT, or a URL with tcp, tls, ws or wss" },
    async run(desk, rest) {
      if (rest === "") throw new CommandError("connect where?");
      const { url, encoding, book } = await desk.connect(rest);
      const routes = book.known ? `${book.routes.length} routes by reflection` : "no schema: any JSON goes, pushes by name";
      desk.printer.note(`connected to ${url} (${encoding}, ${routes})`);
    },
  },
  {
    ...{ name: "disconnect", usage: "disconnect", summary: "ends the session at hand" },
    run: (desk) => desk.disconnect(),
  },
  {
    ...{ name: "request", usage: "request ROUTE [JSON]", summary: "asks, and shows the answer", takes: "request" },
    run: ask,
  },
  {
    ...{ name: "notify", usage: "notify ROUTE [JSON]", summary: "tells, without an answer", takes: "notify" },
    run(desk, rest) {
      const [route, text] = firstWord(rest);
      desk.talk.notify(route, readData(text));
    },
  },
  {
    ...{
      name: "on",
      usage: "on ROUTE [JSON]",
      summary: "shows a push as it comes; with JSON, those that have at least that",
      takes: "push",
    },
    run(desk, rest) {
      const [route, text] = firstWord(rest);
      if (route === "*") for (const one of desk.talk.book.routes) if (one.kind === "push") desk.listen(one.route, undefined);
      if (route !== "*") desk.listen(route, readData(text));
    },
  },
  {
    ...{ name: "off", usage: "off ROUTE", summary: "shows it no more", takes: "push" },
    run(desk, rest) {
      if (!desk.unlisten(rest)) throw new CommandError(`nobody listens to ${rest}`);
    },
  },
  {
    ...{ name: "routes", usage: "routes [PART]", summary: "lists what can be asked, told and heard" },
    run(desk, rest) {
      const { book } = desk.talk;
      if (!book.known) throw new CommandError("the server does not tell its schema (reflection is off)");
      for (const { route, kind } of book.routes) if (route.includes(rest)) desk.printer.note(`${kind.padEnd(8)} ${route}`);
    },
  },
  {
    ...{ name: "describe", usage: "describe ROUTE|MESSAGE", summary: "shows what goes in and comes out", takes: "route" },
    run(desk, rest) {
      const { book } = desk.talk;
      const route = book.known ? book.find(rest) : undefined;
      const type = route ? undefined : findType(book, rest);
      if (route) for (const line of describeRoute(route)) desk.printer.note(line);
      else if (type) desk.printer.note(type.kind === "enum" ? describeEnum(type) : describeMessage(type));
      else throw new CommandError(`there is no route or message ${rest}`);
    },
  },
  {
    ...{
      name: "last",
      usage: "last",
      summary: `shows the last answer again; in data ${slot("last")} stands for it, ${slot("last.members[0]")} for a part of it`,
    },
    run(desk) {
      desk.printer.note(words(desk.values.get("last") ?? desk.values.get("error")));
    },
  },
  {
    ...{ name: "set", usage: "set NAME JSON", summary: `keeps a value: ${slot("NAME")} stands for it from now on` },
    run(desk, rest) {
      const [name, text] = firstWord(rest);
      const value = readData(text);
      if (!/^[a-zA-Z_]\w*$/.test(name) || value === undefined) throw new CommandError("set NAME JSON");
      desk.values.set(name, value);
    },
  },
  {
    ...{
      name: "expect",
      usage: "expect JSON|error CODE|push ROUTE [JSON]",
      summary: "fails where the answer, the error or the next push is another",
    },
    async run(desk, rest) {
      const [word, behind] = firstWord(rest);
      if (word !== "push") return expectAnswer(desk, rest);
      const [route, text] = firstWord(behind);
      desk.values.set("last", await desk.expectPush(route, readData(text), expectMs));
    },
  },
  {
    ...{ name: "wait", usage: "wait MS", summary: "waits so many milliseconds" },
    async run(_desk, rest) {
      if (!/^\d{1,7}$/.test(rest)) throw new CommandError("wait how many milliseconds?");
      await new Promise<void>((resolve) => systemClock.after(Number(rest), resolve));
    },
  },
  {
    ...{ name: "handshake", usage: "handshake [JSON]", summary: "shows or sets what the next handshake tells as its user" },
    run(desk, rest) {
      if (rest !== "") desk.user = readData(rest);
      else desk.printer.note(words(desk.user));
    },
  },
  {
    ...{ name: "session", usage: "session [NAME]", summary: "goes to another session, or lists them" },
    run(desk, rest) {
      if (rest !== "") return desk.use(rest);
      for (const [name, { url, client }] of desk.talks) {
        desk.printer.note(`${name === desk.at ? "*" : " "} ${name}  ${url}  ${client.state.name}`);
      }
    },
  },
  {
    ...{ name: "timing", usage: "timing [on|off]", summary: "shows how long answers took" },
    run(desk, rest) {
      desk.timing = onOff(rest, desk.timing);
    },
  },
  {
    ...{ name: "raw", usage: "raw [on|off]", summary: "shows every packet in hex" },
    run(desk, rest) {
      desk.raw = onOff(rest, desk.raw);
    },
  },
  {
    ...{ name: "drop", usage: "drop", summary: "cuts the socket, as a bad network does; the client comes back by itself" },
    run: (desk) => desk.talk.drop(),
  },
  {
    ...{
      name: "resume",
      usage: "resume [ROUTE FIELD]",
      summary:
        "cuts the socket, and says how the client came back; with a push that counts itself, how many are missing and doubled",
      takes: "push",
    },
    async run(desk, rest) {
      const [route, field] = firstWord(rest);
      if (route === "") {
        const { afterMs, via } = await comeBack(desk.talk);
        return desk.printer.note(`dropped; back in ${afterMs} ms, by ${via}`);
      }
      if (field === "") throw new CommandError("resume ROUTE FIELD: which field counts?");
      const { afterMs, via, gaps } = await comeBackCounting(desk.talk, route, field);
      const counted = gaps ? `, ${gaps.missing} pushes missing, ${gaps.doubled} doubled` : "";
      desk.printer.note(`dropped; back in ${afterMs} ms, by ${via}${counted}`);
    },
  },
];
