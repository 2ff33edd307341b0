import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { type ClusterCounters, createClusterCounters, type RecordRefusal } from "../metrics/index.ts";

/** Signs what a server writes of itself where others can write, too, and tells what servers of its cluster have signed. */
export interface RecordSeal {
  /** A record (JSON) as it shall lie under a key. */
  sign(key: string, json: string): string;
  /** The record (JSON) of a value that lies under a key, or why it is none of this cluster's. */
  open(key: string, value: string): { readonly json: string } | { readonly refused: RecordRefusal };
  /** Counts a value that is no record. */
  refused(why: RecordRefusal): void;
}

// What takes the place of a record's last byte: base64 of 32 bytes has 44 characters.
const signed = /,"signature":"([A-Za-z0-9+/]{43}=)"\}$/;

/** How many bytes a signature adds to a record. */
export const signatureBytes = 59;

/**
 * Of a cluster's tokens the first signs, and all are accepted. Without any nothing is signed, and everything accepted.
 *
 * @param counters The default is counters of its own.
 */
export function createRecordSeal(
  tokens: readonly string[],
  counters: Pick<ClusterCounters, "recordsRefused"> = createClusterCounters(),
): RecordSeal {
  const keys = tokens.map((token) => Buffer.from(hkdfSync("sha256", token, "", "nano/record/1", 32)));
  const mac = (by: Buffer, key: string, json: string): string =>
    createHmac("sha256", by).update(`${key}\n${json}`).digest("base64");
  const [first] = keys;
  return {
    sign: (key, json) => (first ? `${json.slice(0, -1)},"signature":"${mac(first, key, json)}"}` : json),
    open(key, value) {
      if (!first) return { json: value };
      const match = signed.exec(value);
      if (!match) return { refused: "unsigned" };
      const json = `${value.slice(0, match.index)}}`;
      // As text: bytes may have more than one in base64.
      const given = Buffer.from(match[1] ?? "");
      // All are compared, whichever fits.
      const fits = keys.filter((one) => timingSafeEqual(Buffer.from(mac(one, key, json)), given));
      return fits.length > 0 ? { json } : { refused: "signature" };
    },
    refused(why) {
      counters.recordsRefused[why]++;
    },
  };
}
