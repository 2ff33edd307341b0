import assert from "node:assert/strict";
import { test } from "node:test";
import { next } from "nano-rpc/client";
import { createTestCluster } from "nano-rpc/testing";
import { HelloClient } from "../gen/hello/v1/hello_client.ts";
import { hello } from "../src/hello.ts";

// A gate and a service, and clients, in this process: no sockets, and a clock that moves only when told.
async function startCluster() {
  const cluster = createTestCluster({ latencyMs: 5 });
  await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  await cluster.start({ id: "hello-1", services: [hello] });
  return cluster;
}

test("who has entered hears others wave", async () => {
  await using cluster = await startCluster();
  const ann = (await cluster.connect("gate-1")).service(HelloClient);
  const bob = (await cluster.connect("gate-1")).service(HelloClient);
  assert.equal((await cluster.drive(ann.enter({ name: "ann" }))).greeting, "hello ann");
  await cluster.drive(bob.enter({ name: "bob" }));
  const waved = next(bob.onWaved, { clock: cluster.clock });
  ann.wave({});
  assert.equal((await cluster.drive(waved)).name, "ann");
});

test("nobody is without a name", async () => {
  await using cluster = await startCluster();
  const client = await cluster.connect("gate-1");
  const result = await cluster.drive(client.service(HelloClient).enter({ name: "" }).result());
  assert.equal(result.ok ? "" : result.error.code, "invalid_argument");
});

test("a client that loses its socket comes back to its session", async () => {
  await using cluster = await startCluster();
  const client = await cluster.connect("gate-1");
  const ann = client.service(HelloClient);
  await cluster.drive(ann.enter({ name: "ann" }));
  const waved = next(ann.onWaved, { clock: cluster.clock });
  cluster.drop(client);
  ann.wave({});
  assert.equal((await cluster.drive(waved)).name, "ann");
});
