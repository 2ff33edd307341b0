/**
 * What connections are counted by: an IPv4 address, or an IPv6 network of 64 bits, since one host has all of that. Undefined for this
 * machine's own, where a proxy or a developer sits, and for what is no address.
 */
export function addressKey(address: string): string | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  if (plain.includes(":")) return plain === "::1" ? undefined : networkOf(plain);
  return plain === "" || plain.startsWith("127.") ? undefined : plain;
}

function networkOf(address: string): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    // Groups that are left out are zero.
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
