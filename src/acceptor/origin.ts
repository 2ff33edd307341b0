/**
 * Whether a page of an origin may connect: one that is listed, letter by letter, or an http(s) one of the host that was asked, on the
 * same port; on loopback on any port, since pages under development come from another.
 *
 * @param host The Host header.
 */
export function allowsOrigin(origin: string, host: string, tls: boolean, listed: readonly string[] | "any"): boolean {
  if (listed === "any" || listed.includes(origin)) return true;
  const page = parse(origin);
  const asked = parse(`${tls ? "https" : "http"}://${host}`);
  // What a browser sends is the origin alone; whoever sends more is none.
  if (!page || !asked || page.origin !== origin) return false;
  if (page.hostname !== asked.hostname) return false;
  return isLoopback(page.hostname) || portOf(page) === portOf(asked);
}

function parse(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "" ? url : undefined;
}

function portOf(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
