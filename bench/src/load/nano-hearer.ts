import { connect } from "node:net";
import { createClient, type Transport } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { FanoutClient } from "../../gen/bench/v1/fanout_client.ts";
import type { Hearer, HearerOptions } from "./plain-hearer.ts";
import type { Tally } from "./tally.ts";

/** One on nano's client, which comes back by itself. */
export async function nanoHearer({ port, localAddress, awayMs }: HearerOptions, tally: Tally): Promise<Hearer> {
  const between = awayMs === undefined ? {} : { reconnect: { minDelayMs: 2 * awayMs, maxDelayMs: 2 * awayMs } };
  const client = createClient({ transport: from(port, localAddress), ...between });
  const fanout = client.service(FanoutClient);
  fanout.onTicked(({ number, text }) => tally.heard(number, Number(text)));
  client.onState((state) => {
    if (state.name === "open") tally.back();
    else tally.gone();
  });
  client.onReset(() => {
    tally.resets++;
    return fanout.join({});
  });
  await client.connect();
  await fanout.join({});
  return {
    get open() {
      return client.state.name === "open";
    },
  };
}

/** One that has everybody pushed to, over a connection that stays. */
export async function nanoTicker(port: number): Promise<(number: number) => Promise<void>> {
  const client = createClient({ transport: tcp({ host: "127.0.0.1", port }) });
  await client.connect();
  const fanout = client.service(FanoutClient);
  return async (number) => void (await fanout.tick({ number, text: `${performance.now()}` }));
}

/** TCP from an address of one's own. */
function from(port: number, localAddress: string): Transport {
  return {
    name: "tcp",
    open: (events, signal) =>
      new Promise((resolve, reject) => {
        const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true, signal });
        socket.once("error", reject);
        socket.once("connect", () => {
          socket.off("error", reject);
          let error: Error | undefined;
          socket
            .on("error", (reason) => {
              error = reason;
            })
            .on("data", (bytes) => events.data(bytes))
            .once("close", () => events.closed(error));
          resolve({ send: (packet) => void socket.write(packet), close: () => void socket.end() });
        });
      }),
  };
}
