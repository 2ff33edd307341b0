import { execPath } from "node:process";
import { childProcess, createJsonLogger, createServer, type Server } from "nano-rpc";
import { afterEach, describe, expect, test, vi } from "vitest";

let server: Server | undefined;

afterEach(() => server?.stop({ graceMs: 100 }));

/** A server with a process that runs a script, and what the server logs. */
async function start(script: string, whenEnded: "log" | "stop" = "log", graceMs = 5_000) {
  const lines: string[] = [];
  const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
  const module = childProcess({ name: "helper", command: execPath, args: ["-e", script], whenEnded, graceMs });
  const started = createServer({ id: "one", modules: [module], log });
  server = started;
  await started.start();
  const logged = () => lines.map((line) => JSON.parse(line)).filter((line) => line.process === "helper");
  return { server: started, handle: started.module(module.key), logged };
}

/** Signal 0 asks whether it is there. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const stays = "setInterval(() => {}, 1000);";

describe("a process that lives with a server", () => {
  test("its lines are in the server's log, cut where they are too long", async () => {
    const script = `console.log("one\\ntwo"); console.error("bad"); process.stdout.write("x".repeat(100000) + "\\nlast\\n"); ${stays}`;
    const { logged } = await start(script);
    await vi.waitFor(() => expect(logged().map(({ msg }) => msg)).toContain("last"), { timeout: 20_000 });
    const said = logged().map(({ level, msg }) => `${level} ${msg}`);
    expect(said).toEqual(expect.arrayContaining(["info one", "info two", "warn bad", "info last"]));
    expect(said).toContain(`info ${"x".repeat(4_096)}`);
    expect(said).toHaveLength(5);
  });

  test("it ends with the server", async () => {
    const { server: started, handle } = await start(stays);
    expect(isThere(handle.pid)).toBe(true);
    await started.stop();
    expect(await handle.ended).toBe("SIGTERM");
    expect(isThere(handle.pid)).toBe(false);
  });

  test("it ends also where it does not hear SIGTERM", async () => {
    const {
      server: started,
      handle,
      logged,
    } = await start(`process.on("SIGTERM", () => {}); console.log("deaf"); ${stays}`, "log", 100);
    await vi.waitFor(() => expect(logged()).toHaveLength(1), { timeout: 20_000 });
    await started.stop();
    expect(await handle.ended).toBe("SIGKILL");
  });

  test("where it ends by itself the log says so, and the server stops if it should", async () => {
    const { server: started, logged } = await start("process.exit(3)", "stop");
    await vi.waitFor(() => expect(started.readiness.state).toBe("stopped"), { timeout: 20_000 });
    expect(logged()).toMatchObject([{ level: "error", code: 3, msg: "the process has ended by itself" }]);
  });

  test("a command that is not there ends the start", async () => {
    const module = childProcess({ name: "none", command: "/nowhere/none" });
    const broken = createServer({ id: "one", modules: [module], log: createJsonLogger({ sink: { write() {} }, now: () => 0 }) });
    await expect(broken.start()).rejects.toThrow("ENOENT");
  });
});
