import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { createJsonLogger, redactMessages, withFields } from "../../src/logger/index.ts";

const { STRING, MESSAGE, BYTES, UINT64 } = FieldDescriptorProto_Type;
const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: "login.proto",
        package: "login",
        syntax: "proto3",
        messageType: [
          {
            name: "Login",
            field: [
              { name: "name", number: 1, type: STRING, label: OPTIONAL },
              { name: "pin_code", number: 2, type: STRING, label: OPTIONAL, options: { debugRedact: true } },
              { name: "picture", number: 3, type: BYTES, label: OPTIONAL },
              { name: "score", number: 4, type: UINT64, label: OPTIONAL },
              { name: "others", number: 5, type: MESSAGE, typeName: ".login.Login", label: REPEATED },
            ],
          },
        ],
      },
    ],
  }),
);

function logged(fields: object, find: (typeName: string) => DescMessage | undefined = (name) => registry.getMessage(name)) {
  const lines: string[] = [];
  const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
  withFields(redactMessages(log, find), { server: "one" }).info(fields);
  const { level, time, server, ...rest } = JSON.parse(lines[0] ?? "");
  expect({ level, time, server }).toEqual({ level: "info", time: 0, server: "one" });
  return rest;
}

const schema = registry.getMessage("login.Login");
const login = schema && create(schema, { name: "ann", pinCode: "1234", picture: new Uint8Array(3), score: 7n });
const shown = { name: "ann", pinCode: "[redacted]", picture: "[3 bytes]", score: "7" };

describe("messages in lines of a log", () => {
  test("come without fields that the schema marks with debug_redact, wherever they stand", () => {
    expect(logged({ login })).toEqual({ login: shown });
    expect(logged({ all: [login], one: { login } })).toEqual({ all: [shown], one: { login: shown } });
    const outer = schema && create(schema, { name: "bob", others: [login ?? {}] });
    expect(logged({ outer })).toEqual({ outer: { name: "bob", others: [shown] } });
  });

  test("are named and not shown where nobody knows their schema", () => {
    expect(logged({ login }, () => undefined)).toEqual({ login: "[login.Login]" });
  });
});

describe("lines of a log", () => {
  test("say nothing of what has the name of a secret", () => {
    const secrets = { token: "t", Password: "p", inner: { authorization: "Bearer x", apiKey: "k", room: "lobby" } };
    expect(logged(secrets)).toEqual({
      token: "[redacted]",
      Password: "[redacted]",
      inner: { authorization: "[redacted]", apiKey: "[redacted]", room: "lobby" },
    });
  });

  test("have no character that steers a terminal", () => {
    const lines: string[] = [];
    const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
    const evil = "\u001b[2J\n\r\u0000\u007f\u009b31m\u2028\u202eabc\u2066";
    log.warn({ user: evil, [evil]: 1 }, evil);
    const [line = ""] = lines;
    expect(lines).toHaveLength(1);
    expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    expect(JSON.parse(line)).toMatchObject({ user: evil, msg: evil });
  });

  test("begin and end to be written when the level is set, also through loggers that were made before", () => {
    const lines: string[] = [];
    const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
    const below = withFields(log, { room: "lobby" });
    below.debug({}, "one");
    below.level = "debug";
    below.debug({}, "two");
    log.level = "silent";
    below.error({}, "three");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["two"]);
    expect(below.level).toBe("silent");
  });
});
