/** An address as everything above reads it: IPv4 that came in by an IPv6 socket ("::ffff:192.0.2.1") without its mapping. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}
