import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { ByteWriter, type Codec, type Init } from "../../../src/contract/index.ts";
import { LargeRequestCodec, MoveRequestCodec, SmallRequestCodec } from "../../gen/bench/v1/measured_codec.ts";
import { LargeRequestSchema, MoveRequestSchema, SmallRequestSchema } from "../../gen/bench/v1/measured_pb.ts";
import { median, ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

/** A message's static code, as pbjs makes it. */
interface StaticCode {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
}

/** Reads and writes one message, as often as it is told. */
interface Way {
  readonly name: "nano" | "protobuf-es" | "protobufjs";
  decode(): unknown;
  encode(): Uint8Array;
}

/** Decode and encode of one message by printed code, beside protobuf-es and protobufjs' static code, in turn. */
export async function codec({ seconds, rounds }: Effort): Promise<void> {
  const protobufjs = await staticCode();
  const rows = [
    measure("3 fields", waysOf(SmallRequestCodec, SmallRequestSchema, small, protobufjs("SmallRequest"))),
    measure("movement", waysOf(MoveRequestCodec, MoveRequestSchema, move, protobufjs("MoveRequest"))),
    measure("large, nested", waysOf(LargeRequestCodec, LargeRequestSchema, large, protobufjs("LargeRequest"))),
  ].flat();
  report("codec", "ns a message, medians; how many times as long protobuf-es and protobufjs' static code take", rows);

  function measure(message: string, ways: readonly Way[]): Record<string, unknown>[] {
    const bytes = ways[0]?.encode().length ?? 0;
    const runMs = Math.max(20, (seconds * 1_000) / (ways.length * 2));
    const ns: Record<Way["name"], { readonly decode: number[]; readonly encode: number[] }> = {
      nano: { decode: [], encode: [] },
      "protobuf-es": { decode: [], encode: [] },
      protobufjs: { decode: [], encode: [] },
    };
    // The first round is for the compiler.
    for (let round = 0; round <= rounds; round++) {
      for (const way of ways) {
        for (const what of ["decode", "encode"] as const) {
          const took = time(() => way[what](), runMs);
          if (round > 0) ns[way.name][what].push(took);
        }
      }
    }
    const of = (name: Way["name"], what: "decode" | "encode" | "both"): number =>
      what === "both" ? of(name, "decode") + of(name, "encode") : median(ns[name][what]);
    return (["decode", "encode", "both"] as const).map((what) => ({
      message: `${message}, ${bytes} bytes`,
      what,
      nano: Math.round(of("nano", what)),
      "protobuf-es": Math.round(of("protobuf-es", what)),
      "es ratio": ratio(of("protobuf-es", what), of("nano", what)),
      protobufjs: Math.round(of("protobufjs", what)),
      "js ratio": ratio(of("protobufjs", what), of("nano", what)),
    }));
  }
}

/** Every way, of one message; each must write and read the same. */
function waysOf<M extends Message>(printed: Codec<M>, schema: GenMessage<M>, message: M, code: StaticCode): Way[] {
  const bytes = toBinary(schema, message);
  const writer = new ByteWriter(64 * 1_024);
  const foreign = code.decode(bytes);
  const ways: Way[] = [
    {
      name: "nano",
      decode: () => printed.decode(bytes, 0, bytes.length),
      encode() {
        writer.truncate(0);
        printed.encode(message as Init<M>, writer);
        return writer.slice(0, writer.length);
      },
    },
    { name: "protobuf-es", decode: () => fromBinary(schema, bytes), encode: () => toBinary(schema, message) },
    { name: "protobufjs", decode: () => code.decode(bytes), encode: () => code.encode(foreign).finish() },
  ];
  for (const { name, encode } of ways)
    if (Buffer.compare(encode(), bytes) !== 0) throw new Error(`${name} writes other bytes of ${schema.typeName}`);
  return ways;
}

let kept: unknown;

/** How many nanoseconds one turn takes. */
function time(turn: () => unknown, forMs: number): number {
  const began = process.hrtime.bigint();
  const until = began + BigInt(Math.round(forMs * 1e6));
  let turns = 0;
  let now = began;
  while (now < until) {
    // What is made must not be made for nothing, or it is not made.
    for (let at = 0; at < 100; at++) kept = turn();
    turns += 100;
    now = process.hrtime.bigint();
  }
  return kept === undefined ? 0 : Number(now - began) / turns;
}

/** Has pbjs make the static code, and finds a message's. */
async function staticCode(): Promise<(message: string) => StaticCode> {
  const file = "bench/results/measured.mjs";
  mkdirSync("bench/results", { recursive: true });
  const flags = ["--target", "static-module", "--wrap", "es6", "--no-create", "--no-verify", "--no-convert", "--no-delimited"];
  execFileSync("pbjs", [...flags, "--out", file, "bench/proto/bench/v1/measured.proto"], { stdio: "inherit" });
  const { bench } = await import(pathToFileURL(file).href);
  return (message) => bench.v1[message];
}

const small = create(SmallRequestSchema, { seq: 4_711, name: "ann", text: "hello, how are you?" });
const place = { tick: 86_400, x: -1_234, y: 5_678, z: 12, heading: 1.5, running: true };
const move = create(MoveRequestSchema, place);
const large = create(LargeRequestSchema, {
  world: "the-old-harbour",
  players: Array.from({ length: 32 }, (_, at) => ({
    id: `player-${at}`,
    name: at % 4 === 0 ? `Zoë ${at}` : `Ann ${at}`,
    at: { ...place, x: at * 10, y: -at },
    items: Array.from({ length: 6 }, (_one, of) => ({ kind: of + 1, count: at + of, label: `item ${of}` })),
    friends: Array.from({ length: 8 }, (_one, of) => at * 100 + of),
  })),
  prices: Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`good-${at}`, at * 25])),
  heights: Array.from({ length: 64 }, (_, at) => at / 3),
});
