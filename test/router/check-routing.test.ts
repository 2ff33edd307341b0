import { create } from "@bufbuild/protobuf";
import { NanoError, type RoutedCall, type RoutingFunction } from "nano-rpc";
import { checkRouting } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { JoinRequestSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { info } from "../discovery/member.ts";

const servers = ["room-1", "room-2", "room-3"].map((id) => info(id, { metadata: { region: id === "room-3" ? "us" : "eu" } }));
const call = (room: string): RoutedCall => ({
  ...{ route: "room.room.join", key: room, session: undefined, message: create(JoinRequestSchema, { room, name: "ann" }) },
  is: (() => false) as unknown as RoutedCall["is"],
});
const calls = ["lobby", ""].map(call);

test("one that names servers it was given, none, or throws a NanoError keeps what is promised", async () => {
  const byRegion: RoutingFunction = async ({ key }, ready) => {
    if (key === "") throw new NanoError({ code: "invalid_argument", message: "no room" });
    return ready.find(({ metadata }) => metadata["region"] === "us");
  };
  await checkRouting({ route: byRegion, calls, servers });
});

const faults: Readonly<Record<string, readonly [RoutingFunction, string]>> = {
  "names one that is not ready": [() => servers[1], "it names room-2, which is none of them"],
  "trusts that there are two": [(_call, [, second]) => ({ ...second }) as never, "which is none of them"],
  "throws what is no NanoError": [
    (_call, ready) => (ready.length === 1 ? (null as never as typeof servers)[0] : ready[0]),
    "it throws Cannot read",
  ],
  "changes the list": [(_call, ready) => (ready as (typeof servers)[0][]).sort(() => 1)[0], "it throws Cannot assign"],
  "never answers": [() => new Promise(() => {}), "no answer within 50 ms"],
};

test.each(Object.entries(faults))("one that %s is found", async (_what, [route, message]) => {
  await expect(checkRouting({ route, calls, servers, stepMs: 50 })).rejects.toThrow(message);
});
