// Sends itself more than a system takes at once, where `process.binding` may be refused; and says what came of it.
import { directWrites } from "../../src/net/direct-writes.ts";
import { type StreamEvents, systemNet } from "../../src/net/index.ts";

const size = 4 * 1_024 * 1_024;
const silent: StreamEvents = { data() {}, drain() {}, closed() {} };
let sum = 0;
let came = 0;
const all = Promise.withResolvers<void>();
const listener = await systemNet.listen({ host: "127.0.0.1", port: 0 }, () => ({
  ...silent,
  data(bytes) {
    came += bytes.length;
    for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
    if (came === 2 * size) all.resolve();
  },
}));
const drained = Promise.withResolvers<void>();
const at = { host: "127.0.0.1", port: listener.port };
const stream = await systemNet.connect(at, { ...silent, drain: () => drained.resolve() }, AbortSignal.timeout(10_000));
const pieces = [1, 2].map((seed) => Uint8Array.from({ length: size }, (_, index) => (index * seed) & 0xff));
const room = pieces.map((piece) => stream.write(piece));
await Promise.all([all.promise, drained.promise]);
let expected = 0;
for (const piece of pieces) for (const byte of piece) expected = (expected * 31 + byte) >>> 0;
const way = directWrites ? "direct" : "by streams";
console.log(`came ${way}, ${room.join(" ")}, ${sum === expected ? "as sent" : "otherwise"}, ${stream.queuedBytes} wait`);
stream.destroy();
await listener.close();
