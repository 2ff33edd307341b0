import { prometheus, type Reporter, statsd } from "nano-rpc";
import { checkReporter } from "nano-rpc/testing";
import { expect, test } from "vitest";

test.each([
  ["prometheus", () => prometheus()],
  ["statsd", () => statsd({ port: 9 })],
  ["statsd with tags", () => statsd({ port: 9, labels: "tags" })],
] as const)("%s keeps what a reporter promises", async (_name, make) => {
  await checkReporter({ reporter: make() });
});

const good: Reporter = { name: "good", start: (host) => host.every(1_000, () => [...host.read()]), stop() {} };
const faults: Readonly<Record<string, readonly [Partial<Reporter>, string]>> = {
  "has no name": [{ name: "" }, "it has no name"],
  "does not start": [{ start: () => Promise.reject(new Error("no socket")) }, "start: no socket"],
  "never starts": [{ start: () => new Promise(() => {}) }, "start takes over 100 ms"],
  "chokes on a label": [
    {
      start: (host) =>
        host.every(1, () => {
          for (const { labels } of host.read()) if (labels["value"]?.includes("\n")) fail("a line");
        }),
    },
    "what it does again and again: a line",
  ],
  "wants to be called all the time": [{ start: (host) => host.every(0, () => {}) }, "every 0 ms"],
  "reads nothing": [{ start() {} }, "it has read nothing"],
  "has a page nowhere": [
    { page: { path: "metrics", read: async () => ({ type: "text/plain", text: "" }) } },
    "a path begins with /",
  ],
  "has a page of no type": [{ page: { path: "/x", read: async () => ({ type: "", text: "" }) } }, 'the content type ""'],
  "has a page that hangs": [
    { page: { path: "/x", read: () => new Promise(() => {}) } },
    "its page, while it runs, takes over 100 ms",
  ],
  "does not stop": [{ stop: () => new Promise(() => {}) }, "stop takes over 100 ms"],
};

function fail(message: string): never {
  throw new Error(message);
}

test.each(Object.entries(faults))("one that %s is found", async (_what, [fault, message]) => {
  await expect(checkReporter({ reporter: { ...good, ...fault }, stepMs: 100 })).rejects.toThrow(message);
  await checkReporter({ reporter: good });
});
