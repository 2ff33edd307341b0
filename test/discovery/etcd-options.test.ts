import { etcd } from "nano-rpc";
import { expect, test } from "vitest";

test.each([
  ["none", []],
  ["none in a text", ""],
  ["no port", ["localhost"]],
  ["a path", ["127.0.0.1:2379/nano"]],
  ["a space", "127.0.0.1:2379, 127.0.0.1:2380"],
  ["another scheme", ["ftp://127.0.0.1:2379"]],
])("endpoints that make no sense are refused: %s", (_what, endpoints) => {
  expect(() => etcd({ endpoints })).toThrow(/127\.0\.0\.1:2379/);
});

test.each([
  [{ prefix: "nano" }, /"nano".*\/nano/],
  [{ prefix: "/nano/" }, /"\/nano\/".*\/nano/],
  [{ leaseMs: 10 }, /lease of 10 ms/],
  [{ leaseMs: Number.NaN }, /lease of NaN ms/],
  [{ callTimeoutMs: 0 }, /callTimeoutMs is 0/],
])("so are other options: %j", (more, words) => {
  expect(() => etcd({ endpoints: ["127.0.0.1:2379"], ...more })).toThrow(words);
});
