import { createServer } from "node:net";

// Below the ports that systems hand out by themselves, which some other socket has a moment later.
const [from, to] = [10_000, 32_000];

/** A port that nothing listened on a moment ago, and that nobody gets who does not ask for it by number. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
