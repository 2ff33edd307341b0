import { randomBytes } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SessionContext, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { createInsiders, type Insiders } from "./insiders.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { flipped, inBatches, many, Stranger } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";

let siege: Siege;
let insiders: Insiders;
let here: SessionContext;
let ended: SessionContext;

beforeAll(async () => {
  siege = await besiege({ tokens: [token] });
  insiders = createInsiders(siege, token);
  [here, ended] = await insiders.contexts();
});

afterAll(async () => {
  await insiders?.close();
  await siege?.stop();
});

/** The header of a session; undefined: none. */
type Header = (at: number) => MessageInitShape<typeof SessionContextSchema> | undefined;

/** Calls a handler of the backend with the token and a session, so many times, and gives the code of each answer: "" where it was called. */
async function calls(headerOf: Header, count = attempts): Promise<string[]> {
  const codes: string[] = [];
  await inBatches(count, 200, async (from, some) => {
    const stranger = new Stranger(siege.ports.play);
    const answers = many(some, (at) => {
      const context = headerOf(from + at);
      const session = context && {
        "nano-session-bin": Buffer.from(toBinary(SessionContextSchema, create(SessionContextSchema, context))).toString("base64"),
      };
      const headers = { ":path": "/play.v1.PlayService/Kept", authorization: `Bearer ${token}`, ...session };
      return stranger.call(headers, Buffer.alloc(0));
    });
    for (const { status, body } of await Promise.all(answers)) codes.push(status === 200 ? "" : JSON.parse(body).code);
    stranger.close();
  });
  return codes;
}

describe("a handler that is called plainly, by somebody with the token of the cluster,", () => {
  const byBackend = { play: { callsRefused: { session: attempts }, framesRefused: { capability: attempts } } };
  const byFrontend = {
    gate: { framesRefused: { capability: attempts } },
    play: { callsRefused: { session: attempts } },
  };

  test.each<[string, Header, string, object]>([
    ["with the right to another session", () => ({ ...here, capability: ended.capability }), "permission_denied", byBackend],
    [
      "with a right of which one bit is another",
      (at) => ({ ...here, capability: flipped(here.capability, at % 256) }),
      "permission_denied",
      byBackend,
    ],
    [
      "with a right that is made up, of any length, for another user",
      (at) => ({ ...here, user: "ann", capability: randomBytes([32, 0, 31, 33, 64][at % 5] ?? 0) }),
      "permission_denied",
      byBackend,
    ],
    [
      "with a session of which one bit is another",
      (at) => ({ ...here, session: flipped(here.session, at % 128) }),
      "permission_denied",
      byFrontend,
    ],
    [
      "for a session of another start of the frontend",
      (at) => ({ ...here, incarnation: here.incarnation ^ BigInt(at + 1) }),
      "unavailable",
      { play: { callsRefused: { frontend: attempts } } },
    ],
    [
      "for a session that the backend itself is said to hold",
      () => ({ ...here, incarnation: BigInt(siege.ports.playIncarnation) }),
      "not_found",
      { play: { callsRefused: { session: attempts } } },
    ],
    [
      "for a session that is over",
      () => ended,
      "not_found",
      { gate: { framesRefused: { ended: attempts } }, play: { callsRefused: { session: attempts } } },
    ],
    ["without a session", () => undefined, "invalid_argument", { play: { callsRefused: { session: attempts } } }],
    [
      "with a session of over 4 KiB",
      () => ({ ...here, user: "u".repeat(3_072) }),
      "resource_exhausted",
      { play: { callsRefused: { session: attempts } } },
    ],
  ])("%s is not called", async (_what, headerOf, code, counted) => {
    let codes: string[] = [];
    const refused = await siege.beside(async () => {
      codes = await calls(headerOf);
    });
    expect(codes).toEqual(many(attempts, () => code));
    expect(refused).toEqual(counted);
  });

  test("with the right to the session is called: what was refused would have worked", async () => {
    expect(await calls(() => here, 1)).toEqual([""]);
  });
});
