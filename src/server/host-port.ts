/** Reads "127.0.0.1:4000" and "[::1]:4000". Throws a TypeError on anything else. */
export function hostPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) throw new TypeError(`"${text}" is no address: write HOST:PORT, as 127.0.0.1:4000`);
  return { host, port };
}
