// The limit of etcd itself: transactions of a hundred puts each, four at a time, as a frontend's are; nobody logs in.
import { parseArgs } from "node:util";
import { Etcd3 } from "etcd3";
import { usage } from "../usage.ts";

/** What one run of the load has seen. */
export interface PutsResult {
  readonly puts: number;
  readonly seconds: number;
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    /** As "127.0.0.1:2379". */
    endpoint: { type: "string", default: "" },
    puts: { type: "string", default: "10000" },
  },
});
const writers = 4;
const mostPuts = 100;
const keysOfLease = 1_000;
const ttlSeconds = 60;
// As long as a binding.
const value = Buffer.alloc(112, "v");

const etcd = new Etcd3({ hosts: `http://${flags.endpoint}` });
const most = Number(flags.puts);
const leases: string[] = [];
for (let keys = 0; keys < most; keys += keysOfLease) {
  leases.push((await etcd.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 })).ID);
}
await put("warm", mostPuts * writers);
const [startedAt, cpuBefore] = [performance.now(), usage().cpuUs];
await put("raw", most);
const seconds = (performance.now() - startedAt) / 1_000;
const result: PutsResult = { puts: most, seconds, load: (usage().cpuUs - cpuBefore) / 1e6 / seconds };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

async function put(name: string, count: number): Promise<void> {
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + mostPuts);
      const success = Array.from({ length: next - from }, (_, at) => ({
        request_put: {
          key: Buffer.from(`${name}/users/user-${from + at}`),
          value,
          lease: leases[Math.floor(from / keysOfLease)] ?? 0,
          prev_kv: true,
        },
      }));
      await etcd.kv.txn({ compare: [], success, failure: [] });
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}
