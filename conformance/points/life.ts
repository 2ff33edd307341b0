import { ServerStateSchema } from "../../gen/nano/cluster/v1/record_pb.ts";
import { until } from "../patience.ts";
import { must, mustEqual, type Point, Skipped } from "../point.ts";
import { enumName } from "../registry.ts";

// A lease, and what it takes to see that it is over.
const leaseMs = 15_000;

/** How a server stays, and how it leaves. The last of all points: afterwards it is gone. */
export const lifePoints: readonly Point[] = [
  {
    name: "life.lease-lost",
    says: "A server whose lease is over writes its record again, under a new lease, with the incarnation that it had.",
    async check({ registry, entry, record, options: { type } }) {
      const [before, { incarnation }] = [await entry(), await record()];
      must(before.lease !== "0", "its record hangs on no lease");
      await registry.revoke(before.lease);
      const again = await until("the record is there again", async () => (await registry.servers(type))[0], leaseMs);
      const after = await record();
      mustEqual("the incarnation", after.incarnation.toString(), incarnation.toString());
      mustEqual("the state", enumName(ServerStateSchema, after.state), "SERVER_STATE_READY");
      must(again.lease !== "0" && again.lease !== before.lease, "it hangs on no lease that is alive");
    },
  },
  {
    name: "life.record-lost",
    says: "A record that is taken away by somebody else is written again.",
    async check({ registry, entry, record, options: { type } }) {
      const [before, { incarnation }] = [await entry(), await record()];
      await registry.remove(before.key);
      await until("the record is there again", async () => (await registry.servers(type))[0], leaseMs);
      mustEqual("the incarnation", (await record()).incarnation.toString(), incarnation.toString());
    },
  },
  {
    name: "life.serves-on",
    says: "Clients are served as before when the record is there again.",
    async check(stand) {
      const gate = await stand.gate();
      await until("the gate sees the server again", () =>
        gate.server.servers(stand.options.type).some(({ state }) => state === "ready"),
      );
      const ann = await gate.connect();
      mustEqual("who is there", (await ann.room.join({ room: stand.fresh("room"), name: "ann" })).members, ["ann"]);
    },
  },
  {
    name: "drain.state",
    says: "Told to end (SIGTERM), a server first says DRAINING.",
    async check(stand) {
      mustEqual("what the others hear", (await stand.leaving()).states.slice(0, 2), ["ready", "draining"]);
    },
  },
  {
    name: "drain.in-flight",
    says: "What is in flight when a server is told to end is answered.",
    async check(stand) {
      const { inFlight } = await stand.leaving();
      if (inFlight === undefined) throw new Skipped("the server is asked over links");
      mustEqual("Join that was in flight", inFlight, "ok");
    },
  },
  {
    name: "drain.exit",
    says: "Its process ends by itself.",
    async check(stand) {
      must((await stand.leaving()).ended, `the process is there ${stand.options.leaveMs / 1_000} s after SIGTERM`);
    },
  },
  {
    name: "drain.record",
    says: "Its record is gone when its process is: nobody waits for its lease to be over.",
    async check(stand) {
      const { ended, recordGone } = await stand.leaving();
      must(ended && recordGone, "the record is there still");
    },
  },
];
