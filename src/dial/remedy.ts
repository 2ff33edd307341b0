/**
 * What to do about a server that nobody came through to, where that is known; empty where it is not.
 *
 * @param failures What each way came to, in words.
 */
export function dialRemedy(failures: readonly string[], address: string): string {
  const all = (words: RegExp): boolean => failures.every((failure) => words.test(failure));
  if (all(/ECONNREFUSED/)) return "is the server running, and does it listen for clients there?";
  if (all(/ENOTFOUND|EAI_AGAIN/)) return "no such host is known here: is its name right?";
  if (failures.some((failure) => /certificate|altname/i.test(failure)))
    return "its certificate is not trusted here: --ca FILE names its authority, --insecure takes any";
  const [, scheme, place] = /^([a-z]+):\/\/([^/]+)/.exec(address) ?? [];
  // It was there, and said no, or something else.
  if (scheme !== undefined && all(/closed|hang up|disconnected|reset|wrong version|protocol/i))
    return `something listens there, but not by ${scheme}://, it seems: "nano-cli ${place}" tries all four ways`;
  return "";
}
