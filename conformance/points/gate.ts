import { until } from "../patience.ts";
import type { Person } from "../person.ts";
import { must, mustEqual, type Point } from "../point.ts";
import type { Stand } from "../stand.ts";

/** What clients see of the server, through a real frontend. */
export const gatePoints: readonly Point[] = [
  {
    name: "gate.request",
    says: "A client's request is answered through a frontend, whether the client speaks protobuf or JSON.",
    async check(stand) {
      const { ann, room } = await annIn(stand, "json");
      const bob = await (await stand.gate()).connect("protobuf");
      mustEqual("who is there", [...(await bob.room.join({ room, name: "bob" })).members].sort(), ["ann", "bob"]);
      await until("ann hears that bob has come", () => ann.heard.includes("joined bob"));
    },
  },
  {
    name: "gate.errors",
    says: "A client gets the codes that the server answers with, and declared ones as such.",
    async check(stand) {
      const { room } = await annIn(stand);
      const bob = await (await stand.gate()).connect();
      for (const [name, code] of [
        ["ann", "already_exists"],
        ["", "invalid_argument"],
      ] as const) {
        const refused = await bob.room.join({ room, name }).result();
        must(!refused.ok, `Join as "${name}" is answered`);
        mustEqual(`Join as "${name}"`, [refused.error.code, refused.error.declared], [code, true]);
      }
    },
  },
  {
    name: "gate.bind",
    says: "The user that a server binds a session to is at that session's frontend, for the whole cluster.",
    async check(stand) {
      const { room } = await annIn(stand);
      const { server } = await stand.gate();
      const user = `${room}/ann`;
      mustEqual("where the user is", (await server.users(user).locate()).get(user), server.id);
    },
  },
  {
    name: "gate.order",
    says: "What a client says at once, one behind the other, its room hears in that order, and so does the client itself.",
    async check(stand) {
      const { ann, room } = await annIn(stand);
      const bob = await (await stand.gate()).connect("json");
      await bob.room.join({ room, name: "bob" });
      const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`);
      for (const text of lines) ann.room.say({ text });
      for (const [who, { heard }] of Object.entries({ ann, bob })) {
        const said = (): string[] => heard.filter((one) => one.startsWith("said "));
        await until(`${who} hears ${lines.length} lines`, () => said().length >= lines.length);
        mustEqual(
          `what ${who} hears`,
          said(),
          lines.map((text) => `said ann: ${text}`),
        );
      }
    },
  },
  {
    name: "gate.left",
    says: "A client that leaves has left, at the server as well, and its name is free.",
    async check(stand) {
      const { ann, room } = await annIn(stand);
      const gate = await stand.gate();
      const bob = await gate.connect();
      await bob.room.join({ room, name: "bob" });
      await bob.close();
      await until("ann hears that bob has left", () => ann.heard.includes("left bob"));
      const other = await gate.connect();
      mustEqual("who is there", [...(await other.room.join({ room, name: "bob" })).members].sort(), ["ann", "bob"]);
    },
  },
  {
    name: "gate.many",
    says: "Many clients at once are all answered.",
    async check(stand) {
      const gate = await stand.gate();
      const rooms = Array.from({ length: 4 }, () => stand.fresh("room"));
      const people = await Promise.all(Array.from({ length: 32 }, (_, at) => gate.connect(at % 2 ? "json" : "protobuf")));
      await Promise.all(
        people.map(async ({ room }, at) => {
          const { members } = await room.join({ room: rooms[at % 4] ?? "", name: `n${at}` });
          const own = members.includes(`n${at}`) && members.every((one) => (Number(one.slice(1)) - at) % 4 === 0);
          must(own, `n${at} is told that these are in its room: ${members.join(", ")}`);
        }),
      );
      for (const [at, person] of people.entries()) person.room.say({ text: `hi of ${at}` });
      for (const [at, person] of people.entries()) {
        const own = people.flatMap((_, other) => (other % 4 === at % 4 ? [`said n${other}: hi of ${other}`] : [])).sort();
        const said = (): string[] => person.heard.filter((one) => one.startsWith("said ")).sort();
        await until(`n${at} hears all of its room`, () => said().length >= own.length);
        mustEqual(`what n${at} hears`, said(), own);
      }
    },
  },
  {
    name: "gate.restart",
    says: "A frontend that comes again, as another incarnation at another address, is known at once; its clients of before have left.",
    async check(stand) {
      const { room } = await annIn(stand);
      const gate = await stand.gate();
      await gate.restart();
      // Told by the frontend that ends, or seen by the server where it could not.
      await until("ann's name is free when her frontend has ended", async () => {
        const again = await gate.connect();
        if ((await again.room.join({ room, name: "ann" }).result()).ok) return true;
        await again.close();
        return false;
      });
      const bob = await gate.connect();
      mustEqual("who is there", [...(await bob.room.join({ room, name: "bob" })).members].sort(), ["ann", "bob"]);
      bob.room.say({ text: "hi" });
      await until("bob hears himself through the new frontend", () => bob.heard.includes("said bob: hi"));
    },
  },
];

/** Somebody called ann in a room of her own. */
async function annIn(
  stand: Stand,
  encoding: "json" | "protobuf" = "protobuf",
): Promise<{ readonly ann: Person; readonly room: string }> {
  const ann = await (await stand.gate()).connect(encoding);
  const room = stand.fresh("room");
  mustEqual("who is there", (await ann.room.join({ room, name: "ann" })).members, ["ann"]);
  return { ann, room };
}
