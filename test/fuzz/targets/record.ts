import { createRecordSeal, decodeRecord, encodeRecord, type ServerInfo } from "../../../src/discovery/index.ts";
import { maxRecordBytes } from "../../../src/discovery/record.ts";
import { ServerList } from "../../../src/discovery/server-list.ts";
import { silentLogger } from "../../../src/logger/index.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const info: ServerInfo = {
  id: "room-1",
  incarnation: 0xdead_beef_0000_0001n,
  types: ["room", "lobby"],
  version: "1.2.3",
  frontend: true,
  addresses: ["10.0.0.1:4000", "[::1]:4000"],
  state: "ready",
  protocol: 1,
  schema: "a".repeat(64),
  metadata: { zone: "eu", "": "é" },
};

const nearly = [
  "",
  "null",
  "[]",
  '"room-1"',
  "{}",
  '{"id":"a"}',
  '{"id":"a","incarnation":"1"}',
  '{"id":"a","incarnation":"1","type":"t"}',
  '{"id":"","incarnation":"1","type":"t"}',
  '{"id":"a","incarnation":"0","type":"t"}',
  '{"id":"a","incarnation":1,"type":"t"}',
  '{"id":"a","incarnation":"-1","type":"t"}',
  '{"id":"a","incarnation":"18446744073709551616","type":"t"}',
  '{"id":"a","incarnation":"1","type":"t","state":"SERVER_STATE_DRAINING"}',
  '{"id":"a","incarnation":"1","type":"t","state":99}',
  '{"id":"a","incarnation":"1","type":"t","state":"LATER"}',
  '{"id":"a","incarnation":"1","type":"t","later":{"x":[1]}}',
  '{"id":"a","incarnation":"1","type":"t","metadata":{"__proto__":"x","constructor":"y"}}',
  '{"id":"a","incarnation":"1","type":"t","addresses":["",":","a:b:c","[::"]}',
  '{"id":"a","incarnation":"1","type":"t","types":[]}',
  '{"id":"a","incarnation":"1","type":"t","types":["",""]}',
  '{"id":"a","incarnation":"1","type":"t","protocol":4294967295}',
  '{"id":"a","incarnation":"1","type":"t","signature":"no base64!"}',
  '{"id":"a","id":"b","incarnation":"1","type":"t"}',
  `{"id":"${"a".repeat(600)}","incarnation":"1","type":"t"}`,
  `{"x":${"[".repeat(500)}`,
];

/** What lies in etcd under a server's key. Whatever it is, it is a server or none. */
export const record: Target = {
  name: "record",
  throws: undefined,
  maxBytes: 65_536,
  tokens: [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "null",
    '"id":',
    '"incarnation":',
    '"type":',
    '"types":["',
    '"state":"SERVER_STATE_',
    '"metadata":{',
    '"__proto__":',
    "18446744073709551615",
    "\\ud800",
    "1e999",
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const type of info.types) all[`written-${type}`] = bytesOf(encodeRecord(info, type));
    for (const state of ["starting", "ready", "draining"] as const)
      all[state] = bytesOf(encodeRecord({ ...info, state }, "room"));
    all["bare"] = bytesOf(encodeRecord({ ...info, types: ["t"], addresses: [], metadata: {}, version: "", schema: "" }, "t"));
    for (const [index, text] of nearly.entries()) all[`nearly-${index}`] = bytesOf(text);
    return all;
  },
  run(bytes) {
    const value = Buffer.from(bytes).toString("utf8");
    const list = new ServerList("/nano/servers/", { log: silentLogger, seal: createRecordSeal([]) });
    list.put({ key: "/nano/servers/room/room-1", value });
    const [listed] = list.servers();
    const server = decodeRecord(value)?.server;
    holds(listed === undefined || listed.id === "room-1", "a server under another's key");
    if (!server) return;
    const { id, incarnation, types, state } = server;
    holds(
      id !== "" && incarnation > 0n && types.length > 0 && ["starting", "ready", "draining"].includes(state),
      "half a server",
    );
    // What is not written in ASCII may be longer than it came.
    if (value.length * 3 > maxRecordBytes) return;
    const type = types.find((one) => one !== "");
    if (type !== undefined)
      holds(decodeRecord(encodeRecord(server, type))?.server.incarnation === incarnation, "it is written as another");
  },
};
