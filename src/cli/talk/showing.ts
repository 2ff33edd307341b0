import { CommandError } from "../command.ts";
import { describeEnum, describeMessage, describeRoute, findType } from "./describe.ts";
import { onOff, onOffWords, type Verb } from "./verb.ts";

/** What there is, and how it is shown. */
export const showingVerbs: readonly Verb[] = [
  {
    ...{ name: "routes", usage: "routes [PART]", summary: "lists what can be asked, told and heard" },
    run(desk, rest) {
      const { book } = desk.talk;
      if (!book.known)
        throw new CommandError("the server does not tell its schema (reflection is off): --schema FOLDER reads it from .proto");
      for (const { route, kind } of book.routes) if (route.includes(rest)) desk.printer.note(`${kind.padEnd(8)} ${route}`);
    },
  },
  {
    ...{ name: "describe", usage: "describe ROUTE|MESSAGE", summary: "shows what goes in and comes out", takes: "route" },
    run(desk, rest) {
      if (rest === "") throw new CommandError('describe what? "routes" lists what there is');
      const { book } = desk.talk;
      const route = book.known ? book.find(rest) : undefined;
      const type = route ? undefined : findType(book, rest);
      if (route) for (const line of describeRoute(route)) desk.printer.note(line);
      else if (type) desk.printer.note(type.kind === "enum" ? describeEnum(type) : describeMessage(type));
      else throw new CommandError(`there is no route or message ${rest}: "routes" lists what there is`);
    },
  },
  {
    ...{ name: "pretty", usage: "pretty [on|off]", summary: "shows answers and pushes over several lines" },
    words: onOffWords,
    run(desk, rest) {
      desk.pretty = onOff(rest, desk.pretty);
    },
  },
  {
    ...{ name: "timing", usage: "timing [on|off]", summary: "shows how long answers took" },
    words: onOffWords,
    run(desk, rest) {
      desk.timing = onOff(rest, desk.timing);
    },
  },
  {
    ...{ name: "raw", usage: "raw [on|off]", summary: "shows every packet in hex" },
    words: onOffWords,
    run(desk, rest) {
      desk.raw = onOff(rest, desk.raw);
    },
  },
  {
    ...{ name: "history", usage: "history [PART]", summary: "lists the lines that were typed, the newest last" },
    run(desk, rest) {
      for (const line of desk.lines) if (line.includes(rest)) desk.printer.note(line);
    },
  },
];
