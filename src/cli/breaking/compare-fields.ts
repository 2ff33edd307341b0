import type { DescMessage } from "@bufbuild/protobuf";
import { reachable } from "../image/image.ts";
import { placeOf } from "../image/source.ts";
import type { Note } from "./finding.ts";

/** Fields that come and go. Whether they may be encoded otherwise is buf's to say. */
export function compareFields(before: readonly DescMessage[], after: readonly DescMessage[], note: Note): void {
  const now = reachable(...after);
  for (const [name, was] of reachable(...before)) {
    const is = now.get(name);
    if (!is) continue;
    for (const field of was.fields) {
      if (is.fields.some(({ number }) => number === field.number)) continue;
      const words = `${name}.${field.name} is gone: clients that send it are not heard, those that read it find nothing`;
      note("mayBreak", "FIELD_GONE", placeOf(field), words);
    }
    for (const field of is.fields) {
      if (was.fields.some(({ number }) => number === field.number)) continue;
      note("safe", "FIELD_ADDED", placeOf(field), `${name}.${field.name} is new: clients that were shipped do not know it`);
    }
  }
}
