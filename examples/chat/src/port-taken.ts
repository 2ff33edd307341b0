/** Ends the process with a line about the port that somebody else has. Throws what is something else. */
export function mustBeFree(reason: unknown, ports: Readonly<Record<string, number | undefined>>): never {
  const { code, port } = (reason ?? {}) as { readonly code?: unknown; readonly port?: unknown };
  if (code !== "EADDRINUSE") throw reason;
  const flag = Object.keys(ports).find((name) => ports[name] === port);
  const choose = flag === undefined ? "" : `: choose another by --${flag} PORT, or any by --${flag} 0`;
  console.error(`port ${String(port)} is in use, perhaps by another chat${choose}`);
  return process.exit(1);
}
