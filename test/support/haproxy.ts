import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePort } from "./port.ts";

/** A real HAProxy of a test. */
export interface Haproxy {
  /** By section, where it listens. */
  readonly ports: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const usual = `defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
`;

/**
 * Starts HAProxy (Debian's haproxy) on free ports. Rejects where it is not installed.
 *
 * @param sections By name, the lines of a `listen` section; PORT stands for its port, FOLDER for where the files are.
 * @param files What lies beside its configuration, by name.
 */
export async function startHaproxy(
  sections: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<Haproxy> {
  const folder = await mkdtemp(join(tmpdir(), "nano-haproxy-"));
  const ports = new Map<string, number>();
  let text = usual;
  for (const [name, lines] of Object.entries(sections)) {
    const port = await freePort();
    ports.set(name, port);
    text += `listen ${name}\n${lines.replaceAll("PORT", String(port)).replaceAll("FOLDER", folder)}\n`;
  }
  const config = join(folder, "haproxy.cfg");
  for (const [name, content] of Object.entries({ ...files, "haproxy.cfg": text })) await writeFile(join(folder, name), content);
  const child = startChild("haproxy", ["-db", "-f", config]);
  try {
    await Promise.all([...ports.values()].map((port) => answers(port, () => child.process.exitCode !== null)));
  } catch (reason) {
    await child.end("SIGKILL");
    // Its own words, if it had any.
    await child
      .line(() => false, 1_000)
      .catch((words: Error) => Promise.reject(new Error(`${words.message}`, { cause: reason })));
  }
  return {
    ports,
    async stop() {
      await child.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, over: () => boolean): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while (Date.now() < untilMs && !over()) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port }, () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("haproxy does not start: install Debian's haproxy");
}
