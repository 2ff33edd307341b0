import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** What the process holds on its heap and in buffers, in bytes. */
export function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The same, without what nobody needs any more. */
export function tidyHeap(): number {
  collect();
  collect();
  return heapBytes();
}
