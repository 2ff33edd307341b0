// Pitaya's command line (`pitaya repl -d ROUTE`), as its client packages talk: written after reading them, since the program itself
// cannot be had everywhere. What it does with the docs and descriptors is done here with the same eyes.
import { gunzipSync } from "node:zlib";
import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { DocSchema, ProtoDescriptorsSchema, ProtoNamesSchema } from "../../gen/nano/client/v1/reflection_pb.ts";
import { PacketType } from "../../src/packet/index.ts";
import type { RawClient } from "../support/raw-client.ts";
import { textOf } from "../support/raw-peer.ts";

/** The handshake as Pitaya's Go client writes it, byte for byte. */
const handshake = `
{
	"sys": {
		"platform": "mac",
		"libVersion": "0.3.5-release",
		"clientBuildNumber":"20",
		"clientVersion":"2.1"
	},
	"user": {
		"age": 30
	}
}
`;
// It reads the answer with one read into a buffer of this size, and takes what is there for all of it.
const readBytes = 2_048;

/** Shakes hands as it does, and gives the name of the serializer, which it ignores. */
export async function shakeHands(raw: RawClient): Promise<string> {
  raw.sendPacket(PacketType.handshake, handshake);
  const { type, body } = await raw.packet();
  if (type !== PacketType.handshake) throw new Error("got first packet from server that is not a handshake, aborting");
  if (body.length + 4 > readBytes) throw new Error("the answer does not fit its buffer");
  const { code, sys } = JSON.parse(textOf(body));
  // A Go int: a fraction would be an error.
  if (code !== 200 || !Number.isInteger(sys.heartbeat) || sys.heartbeat < 1)
    throw new Error(`the answer makes no sense: ${textOf(body)}`);
  if (Object.keys(sys.dict).length > 0) throw new Error("its dictionary is one for the whole process: none must come");
  raw.ack();
  return sys.serializer;
}

/** What a route takes and gives, as far as the docs name protobuf messages. */
interface Command {
  readonly input: string;
  readonly output: string;
}

/** What it knows of a server after its first connection. */
export interface ServerInfo {
  readonly commands: ReadonlyMap<string, Command>;
  readonly files: readonly FileDescriptorProto[];
  readonly registry: FileRegistry;
}

/** Asks for docs and descriptors. The connection is open, speaks protobuf, and is thrown away afterwards. */
export async function loadServerInfo(raw: RawClient, docsRoute: string): Promise<ServerInfo> {
  raw.request(1, docsRoute, new Uint8Array(0));
  const docs: { readonly handlers: Doc; readonly remotes: Doc } = JSON.parse(fromBinary(DocSchema, await answerOf(raw, 1)).doc);
  const names = new Set<string>();
  collectNames(docs, names);
  const commands = new Map<string, Command>();
  let descriptorsRoute = "";
  for (const [route, { input, output }] of Object.entries({ ...docs.handlers, ...docs.remotes })) {
    const command = { input: nameIn(input), output: nameIn(output[0]) };
    commands.set(route, command);
    if (command.input === "protos.ProtoNames" && command.output === "protos.ProtoDescriptors") descriptorsRoute = route;
  }
  raw.request(2, descriptorsRoute, toBinary(ProtoNamesSchema, { $typeName: "nano.client.v1.ProtoNames", name: [...names] }));
  const { desc } = fromBinary(ProtoDescriptorsSchema, await answerOf(raw, 2));
  if (desc.length !== names.size) throw new Error("one descriptor for each name is expected");
  const files = desc.map((gzip) => fromBinary(FileDescriptorProtoSchema, gunzipSync(gzip)));
  return { commands, files, registry: registryOf(files) };
}

/** Sends JSON as it is typed, and gives the answer as it is printed. */
export async function request(raw: RawClient, info: ServerInfo, id: number, route: string, json: JsonValue): Promise<JsonValue> {
  const { input, output } = find(info, route);
  raw.request(id, route, JSON.stringify(json) === "{}" ? new Uint8Array(0) : encode(info, input, json));
  return decode(info, output, await answerOf(raw, id));
}

/** Sends a notify. */
export function notify(raw: RawClient, info: ServerInfo, route: string, json: JsonValue): void {
  raw.notify(route, encode(info, find(info, route).input, json));
}

/** Waits for a push and gives it as it is printed: with the message that the docs have for its route. */
export async function push(raw: RawClient, info: ServerInfo): Promise<JsonValue> {
  const { route = "", body } = await raw.message();
  return decode(info, find(info, route).output, body);
}

type Doc = Readonly<Record<string, { readonly input: unknown; readonly output: readonly unknown[] }>>;

async function answerOf(raw: RawClient, id: number): Promise<Uint8Array> {
  const answer = await raw.message();
  if (answer.id !== id || answer.error) throw new Error(`no answer to ${id}: ${answer.text}`);
  return answer.body;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every name with "*proto" in it, at any depth. */
function collectNames(within: unknown, names: Set<string>): void {
  if (Array.isArray(within)) for (const one of within) collectNames(one, names);
  if (!isObject(within)) return;
  for (const [key, value] of Object.entries(within)) {
    if (key.includes("*proto")) names.add(key.replace("*", ""));
    collectNames(value, names);
  }
}

function nameIn(value: unknown): string {
  const key = isObject(value) ? Object.keys(value).findLast((name) => name.includes("proto")) : undefined;
  return key?.replace("*", "") ?? "";
}

/** Files by name, whatever order they came in; of two with one name the last counts. */
function registryOf(files: readonly FileDescriptorProto[]): FileRegistry {
  const byName = new Map(files.map((file) => [file.name, file]));
  const sorted = new Set<FileDescriptorProto>();
  const add = (name: string): void => {
    const file = byName.get(name);
    if (!file) throw new Error(`the file ${name} did not come`);
    for (const imported of file.dependency) add(imported);
    sorted.add(file);
  };
  for (const name of byName.keys()) add(name);
  return createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file: [...sorted] });
}

function find({ commands }: ServerInfo, route: string): Command {
  const command = commands.get(route);
  if (!command) throw new Error(`Invalid Route: ${route}`);
  return command;
}

function messageOf({ registry }: ServerInfo, name: string): DescMessage {
  const message = registry.getMessage(name);
  if (!message) throw new Error(`no descriptor of ${name}`);
  return message;
}

function encode(info: ServerInfo, name: string, json: JsonValue): Uint8Array {
  const schema = messageOf(info, name);
  return toBinary(schema, fromJson(schema, json));
}

function decode(info: ServerInfo, name: string, body: Uint8Array): JsonValue {
  const schema = messageOf(info, name);
  return toJson(schema, fromBinary(schema, body));
}
