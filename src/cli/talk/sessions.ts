import { CommandError } from "../command.ts";
import { comeBack, comeBackCounting } from "./come-back.ts";
import type { Desk } from "./desk.ts";
import { handshakeNames, readHandshake, withField } from "./handshake.ts";
import { shown, type Verb } from "./verb.ts";
import { firstWord, readData } from "./words.ts";

function listSessions(desk: Desk): void {
  for (const [name, { url, client }] of desk.talks) {
    desk.printer.note(`${name === desk.at ? "*" : " "} ${name}  ${url}  ${client.state.name}`);
  }
}

/** What the next handshake tells: all of it from a file, or one field; the user's alone as JSON. */
function tell(desk: Desk, rest: string): void {
  const [name, value] = firstWord(rest);
  if (name === "") desk.printer.note(shown({ ...desk.told }));
  else if (name === "file" && value === "") throw new CommandError("handshake file FILE: which file?");
  else if (name === "file") desk.told = readHandshake(value);
  else if (/^[{["\d-]/.test(name)) desk.told = withField(desk.told, "user", readData(rest));
  else if (name === "user") desk.told = withField(desk.told, name, readData(value));
  else desk.told = withField(desk.told, name, value === "" ? undefined : value);
}

/** Connections: how they begin, end, break and come back. */
export const sessionVerbs: readonly Verb[] = [
  {
    ...{ name: "connect", usage: "connect ADDRESS", summary: "opens a session: HOST:PORT, or a URL with tcp, tls, ws or wss" },
    async run(desk, rest) {
      if (rest === "") throw new CommandError("connect where? As: connect ws://127.0.0.1:3250");
      const { url, encoding, book } = await desk.connect(rest);
      const routes = book.known
        ? `${book.routes.length} routes by ${book.source}`
        : "no schema, --schema FOLDER reads one: any JSON goes, pushes by name";
      desk.printer.note(`connected to ${url} (${encoding}, ${routes})`);
    },
  },
  {
    ...{ name: "disconnect", usage: "disconnect", summary: "ends the session at hand" },
    run: (desk) => desk.disconnect(),
  },
  {
    ...{
      name: "handshake",
      usage: "handshake [JSON|NAME VALUE|file FILE]",
      summary: "shows or sets what the next connect tells: its user, clientVersion, platform, ...",
    },
    words: () => [...handshakeNames, "file"],
    run: tell,
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
