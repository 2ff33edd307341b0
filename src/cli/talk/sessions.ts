import { CommandError } from "../command.ts";
import { comeBack, comeBackCounting } from "./come-back.ts";
import type { Desk } from "./desk.ts";
import { shown, type Verb } from "./verb.ts";
import { firstWord, readData } from "./words.ts";

function listSessions(desk: Desk): void {
  for (const [name, { url, client }] of desk.talks) {
    desk.printer.note(`${name === desk.at ? "*" : " "} ${name}  ${url}  ${client.state.name}`);
  }
}

/** Connections: how they begin, end, break and come back. */
export const sessionVerbs: readonly Verb[] = [
  {
    ...{ name: "connect", usage: "connect ADDRESS", summary: "opens a session: HOST:PORT, or a URL with tcp, tls, ws or wss" },
    async run(desk, rest) {
      if (rest === "") throw new CommandError("connect where? As: connect ws://127.0.0.1:3250");
      const { url, encoding, book } = await desk.connect(rest);
      const routes = book.known ? `${book.routes.length} routes by ${book.source}` : "no schema: any JSON goes, pushes by name";
      desk.printer.note(`connected to ${url} (${encoding}, ${routes})`);
    },
  },
  {
    ...{ name: "disconnect", usage: "disconnect", summary: "ends the session at hand" },
    run: (desk) => desk.disconnect(),
  },
  {
    ...{ name: "handshake", usage: "handshake [JSON]", summary: "shows or sets what the next handshake tells as its user" },
    run(desk, rest) {
      if (rest !== "") desk.user = readData(rest);
      else desk.printer.note(shown(desk.user));
    },
  },
  {
    ...{ name: "session", usage: "session NAME", summary: "goes to another session; connect opens it where it is new" },
    words: (desk) => [...desk.talks.keys()],
    run(desk, rest) {
      if (rest === "") throw new CommandError('session which? As: session bob; "sessions" lists them');
      desk.use(rest);
    },
  },
  {
    ...{ name: "sessions", usage: "sessions", summary: "lists the sessions, the one at hand with a star" },
    run: listSessions,
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
