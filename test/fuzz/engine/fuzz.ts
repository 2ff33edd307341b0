import { setImmediate } from "node:timers/promises";
import { heapBytes, tidyHeap } from "./heap.ts";
import { Mutator } from "./mutator.ts";
import { bytesOf, type Target } from "./target.ts";

// One input may take so long, and a little longer where it is large: never the square of its length. A machine that does other things
// as well gets three more tries, and the best counts.
const maxInputMs = 100;
const maxMsPerKiB = 1;
// What Node does later it does when nothing else runs: zlib lets its memory go so.
const restEvery = 512;
const maxHeapBytes = 384 * 1_024 * 1_024;
const maxLeftBytes = 24 * 1_024 * 1_024;
const lookEvery = 2_048;
// Decoders are as wrong in a small input as in a large one, and faster: large ones come first, and are not changed.
const maxMutatedBytes = 2_048;

/** An input that a decoder fails on. */
export interface Finding {
  readonly what: string;
  readonly bytes: Uint8Array;
  /** The number of the mutation that made it; undefined for one of the corpus. */
  readonly index: number | undefined;
}

/** What came of a run. */
export interface Report {
  readonly inputs: number;
  /** Inputs that the decoder took. */
  readonly taken: number;
  /** Inputs that it refused, with the error that it declares. */
  readonly refused: number;
  readonly slowestMs: number;
  readonly ms: number;
  readonly finding: Finding | undefined;
}

type Tally = { -readonly [N in "inputs" | "taken" | "refused" | "slowestMs"]: number };

/** What is to be run. */
export interface FuzzOptions {
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  readonly count: number;
  /** The number of the first mutation; the default is 0. */
  readonly from?: number;
  /** Called now and then. */
  readonly progress?: (inputs: number) => void;
}

/** Runs the corpus, then every entry and token repeated to the decoder's limit, then mutations. Ends at the first finding. */
export async function fuzz(target: Target, { corpus, seed, count, from = 0, progress }: FuzzOptions): Promise<Report> {
  const tokens = target.tokens.map((token) => bytesOf(token));
  const small = corpus.filter(({ length }) => length <= maxMutatedBytes);
  const mutator = new Mutator(small, tokens, Math.min(target.maxBytes, maxMutatedBytes));
  const startedAt = performance.now();
  const before = tidyHeap();
  const tally = { inputs: 0, taken: 0, refused: 0, slowestMs: 0 };
  const report = (finding?: Finding): Report => ({ ...tally, ms: performance.now() - startedAt, finding });
  const { stackTraceLimit } = Error;
  // Most inputs are refused, and a stack costs more than the decoding.
  Error.stackTraceLimit = 0;
  try {
    for (const bytes of [...corpus, ...atLimit(target, corpus, tokens)]) {
      const what = tryOne(target, bytes, tally);
      if (what) return report({ what, bytes, index: undefined });
      if (tally.inputs % 16 === 0) await setImmediate();
    }
    for (let index = from; index < from + count; index++) {
      const bytes = mutator.make(seed, index);
      let what = tryOne(target, bytes, tally);
      if (index % restEvery === 0) await setImmediate();
      if (index % lookEvery === 0) {
        progress?.(index - from);
        if (heapBytes() - before > maxHeapBytes) what ??= `${heapBytes() - before} bytes of heap`;
      }
      if (what) return report({ what, bytes, index });
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  await setImmediate();
  const left = tidyHeap() - before;
  const what = left > maxLeftBytes ? `${left} bytes stay behind` : pollution();
  return report(what ? { what, bytes: new Uint8Array(0), index: undefined } : undefined);
}

function* atLimit(target: Target, corpus: readonly Uint8Array[], tokens: readonly Uint8Array[]): Iterable<Uint8Array> {
  for (const piece of corpus) if (piece.length > 0) yield repeated(piece, target.maxBytes);
  const choices = [...new Set(corpus.map(([first = 0]) => first))];
  for (const [index, token] of tokens.entries()) {
    if (!target.chooses) yield repeated(token, target.maxBytes);
    else yield bytesOf(choices[index % choices.length] ?? 0, repeated(token, target.maxBytes - 1));
  }
}

function repeated(piece: Uint8Array, maxBytes: number): Uint8Array {
  const bytes = new Uint8Array(maxBytes - (maxBytes % piece.length));
  for (let at = 0; at < bytes.length; at += piece.length) bytes.set(piece, at);
  return bytes;
}

/** Gives what is wrong, where anything is. */
function tryOne(target: Target, bytes: Uint8Array, tally: Tally): string | undefined {
  tally.inputs++;
  let ms = time(() => {
    const outcome = attempt(target, bytes);
    if (outcome === "taken") tally.taken++;
    else if (outcome === "refused") tally.refused++;
    return outcome;
  });
  if (typeof ms === "string") return ms;
  const maxMs = maxInputMs + ((target.maxMsPerKiB ?? maxMsPerKiB) * bytes.length) / 1_024;
  for (let again = 0; again < 3 && ms > maxMs; again++) {
    const next = time(() => attempt(target, bytes));
    if (typeof next === "string") return next;
    ms = Math.min(ms, next);
  }
  if (ms > tally.slowestMs) tally.slowestMs = ms;
  return ms > maxMs ? `takes ${Math.round(ms)} ms` : undefined;
}

/** How long it took, or what is wrong: time of the processor, so that other work on the machine is not counted. */
function time(work: () => string): number | string {
  const from = cpuMs();
  const outcome = work();
  return outcome === "taken" || outcome === "refused" ? cpuMs() - from : outcome;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function attempt({ throws, run }: Target, bytes: Uint8Array): string {
  try {
    run(bytes);
    return "taken";
  } catch (reason) {
    if (throws && reason instanceof throws) return "refused";
    return reason instanceof Error ? `${reason.name}: ${reason.message}` : `throws ${String(reason)}`;
  }
}

const plain = new Set(Reflect.ownKeys(Object.prototype));

/** Whether something has reached what all objects inherit. */
function pollution(): string | undefined {
  const more = Reflect.ownKeys(Object.prototype).filter((key) => !plain.has(key));
  return more.length > 0 ? `every object has ${more.map(String).join(", ")}` : undefined;
}
