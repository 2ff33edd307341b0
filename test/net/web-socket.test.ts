import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conversations, cut } from "./frames.ts";
import { openSockets, until } from "./recorder.ts";
import { converse, type EchoServer, netServer, plainServer } from "./web-socket-peer.ts";
import { netClient, plainClient, talkTo } from "./web-socket-talker.ts";

const maxPayload = 300;
const said = conversations(maxPayload);

/** Whatever a client says, its server hears and answers the same as with `ws` alone: a message, a pong and a close code at its place. */
describe.each(["port", "tls", "attached"] as const)("a WebSocket beside `ws`: %s", (how) => {
  let plain: EchoServer;
  let ours: EchoServer;

  beforeAll(async () => {
    [plain, ours] = await Promise.all([plainServer(maxPayload), netServer(how, maxPayload)]);
  });
  afterAll(async () => {
    await Promise.all([plain.close(), ours.close()]);
    await until(openSockets).toBe(0);
  });

  async function expectSame(pieces: readonly Uint8Array[]): Promise<void> {
    const [other, own] = await Promise.all([converse(plain, pieces), converse(ours, pieces)]);
    expect(own).toEqual(other);
  }

  test.each(Object.entries(said))("%s", async (_what, whole) => {
    // With the upgrade; behind it; and in pieces.
    await expectSame([whole]);
    await expectSame([new Uint8Array(0), whole]);
    await expectSame([new Uint8Array(0), ...cut(whole, [1, 3, 8, 9, whole.length >> 1, Math.max(0, whole.length - 1)])]);
  });

  test("anything, cut anywhere, and with bytes changed", { timeout: 60_000 }, async () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.values(said)), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        fc.oneof(fc.constant([]), fc.array(change, { maxLength: 2 })),
        async (parts, places, changes) => {
          const whole = Uint8Array.from(Buffer.concat(parts));
          for (const [at, byte] of changes) if (whole.length > 0) whole[at % whole.length] = byte;
          await expectSame(cut(whole, places));
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** And so does a client, whatever its server says. */
describe("a WebSocket's client beside `ws`", () => {
  const told = conversations(maxPayload, { masked: false });

  afterAll(() => until(openSockets).toBe(0));

  test.each(Object.entries(told))("%s", async (_what, whole) => {
    for (const pieces of [[whole], [new Uint8Array(0), whole], cut(whole, [1, 3, 9, whole.length >> 1])]) {
      expect(await talkTo(netClient, pieces)).toEqual(await talkTo(plainClient, pieces));
    }
  });
});
