import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { MethodSchema } from "../../gen/nano/options_pb.ts";
import { compile, print } from "./compile.ts";

/** One option, said in three places in three ways. */
interface Layered {
  /** What the option is called in the printed table. */
  readonly entry: string;
  /** What the package, the service and the method write, and what is printed of it. */
  readonly layers: readonly [Said, Said, Said];
  /** What every place writes beside it, for options that need another. */
  readonly beside?: string;
  readonly push?: true;
}

type Said = readonly [written: string, printed: string | undefined];

const layered: Readonly<Record<string, Layered>> = {
  access: {
    entry: "access",
    layers: [
      ["access: ACCESS_PUBLIC", '"public"'],
      ["access: ACCESS_BOUND", undefined],
      ["access: ACCESS_PUBLIC", '"public"'],
    ],
  },
  roles: {
    entry: "roles",
    layers: [
      ['roles: "player"', '["player"]'],
      ['roles: ["admin", "dealer"]', '["admin", "dealer"]'],
      ['roles: "guest"', '["guest"]'],
    ],
  },
  timeout_ms: {
    entry: "timeoutMs",
    layers: [
      ["timeout_ms: 3", "3"],
      ["timeout_ms: 2", "2"],
      ["timeout_ms: 1", "1"],
    ],
  },
  limit: {
    entry: "limit",
    layers: [
      ["limit: {per_second: 3}", "{ perSecond: 3, burst: 3 }"],
      ["limit: {per_second: 2 burst: 9}", "{ perSecond: 2, burst: 9 }"],
      ["limit: {per_second: 1}", "{ perSecond: 1, burst: 1 }"],
    ],
  },
  max_bytes: {
    entry: "maxBytes",
    layers: [
      ["max_bytes: 3", "3"],
      ["max_bytes: 2", "2"],
      ["max_bytes: 1", "1"],
    ],
  },
  sticky: {
    entry: "by",
    layers: [
      ["sticky: true", '"sticky"'],
      ["sticky: false", undefined],
      ["sticky: true", '"sticky"'],
    ],
  },
  key: {
    entry: "by",
    layers: [
      ['key: "room_id"', '{ key: "roomId" }'],
      ["sticky: true", '"sticky"'],
      ['key: "seat"', '{ key: "seat" }'],
    ],
  },
  own: {
    entry: "own",
    layers: [
      ["own: true", "true"],
      ["own: false", "false"],
      ["own: true", "true"],
    ],
    beside: 'key: "seat"',
  },
  order: {
    entry: "order",
    layers: [
      ["order: ORDER_CONCURRENT", '"concurrent"'],
      ["order: ORDER_SERIAL", undefined],
      ["order: ORDER_CONCURRENT", '"concurrent"'],
    ],
  },
  max_concurrent: {
    entry: "maxConcurrent",
    layers: [
      ["max_concurrent: 3", "3"],
      ["max_concurrent: 2", "2"],
      ["max_concurrent: 1", "1"],
    ],
    beside: "order: ORDER_CONCURRENT",
  },
  delivery: {
    entry: "delivery",
    layers: [
      ["delivery: DELIVERY_LATEST", '"latest"'],
      ["delivery: DELIVERY_REPLAY", undefined],
      ["delivery: DELIVERY_DROPPABLE", '"droppable"'],
    ],
    push: true,
  },
  latest_by: {
    entry: "latestBy",
    layers: [
      ['latest_by: "room_id"', '"roomId"'],
      ['latest_by: "seat"', '"seat"'],
      ['latest_by: "room_id"', '"roomId"'],
    ],
    beside: "delivery: DELIVERY_LATEST",
    push: true,
  },
  errors: {
    entry: "errors",
    layers: [
      ['errors: {code: "aborted"}', "{ aborted: {} }"],
      ['errors: [{code: "not_found"}, {code: "internal"}]', "{ not_found: {}, internal: {} }"],
      ['errors: {code: "data_loss"}', "{ data_loss: {} }"],
    ],
  },
  validate: {
    entry: "validate",
    layers: [
      ["validate: true", "true"],
      ["validate: false", "false"],
      ["validate: true", "true"],
    ],
  },
};

/** A package where two services, with defaults and without, have two methods each, with options of their own and without. */
function packageOf(name: string, { layers: [inPackage, inService, inMethod], beside = "", push }: Layered): string {
  const shape = push ? "(google.protobuf.Empty) returns (stream Body)" : "(Body) returns (Body)";
  const methods = `
  rpc Quiet${shape};
  rpc Loud${shape} { option (nano.method) = {${inMethod[0]} ${beside}}; }`;
  return `${head(name)}
option (nano.policy) = {defaults: {${inPackage[0]} ${beside}}};
service PlainService { option (nano.handler).server = "${name.replaceAll("_", "")}";${methods} }
service HeldService { option (nano.handler) = {server: "${name.replaceAll("_", "")}" defaults: {${inService[0]} ${beside}}};${methods} }
message Body { int64 room_id = 1; string seat = 2 [(buf.validate.field).string.max_len = 9]; }
`;
}

function head(name: string): string {
  return `edition = "2024"; package ${name}; import "google/protobuf/empty.proto"; import option "buf/validate/validate.proto"; import option "nano/options.proto";`;
}

/** The entries of a method in a printed table. */
function entriesOf(printed: string | undefined, table: string, method: string): Readonly<Record<string, string>> {
  const [, all = ""] = new RegExp(`^export const ${table}: .*?^\\} = \\{\\n(.*?)^\\};`, "ms").exec(printed ?? "") ?? [];
  const [, body] = new RegExp(`^ {2}${method}: \\{\\n(.*?)^ {2}\\},`, "ms").exec(all) ?? [];
  if (body === undefined) throw new Error(`no ${method} in ${table}`);
  return Object.fromEntries([...body.matchAll(/^ {4}(\w+): (.*),$/gm)].map(([, name, value]) => [name, value]));
}

const rest = `
service RestService {
  option (nano.handler) = {server: "rest" defaults: {roles: "admin" key: "seat" own: true order: ORDER_CONCURRENT max_concurrent: 3 delivery: DELIVERY_LATEST latest_by: "seat"}};
  rpc Open(Body) returns (Body) { option (nano.method).access = ACCESS_PUBLIC; }
  rpc Stick(Body) returns (Body) { option (nano.method).sticky = true; }
  rpc Any(Body) returns (Body) { option (nano.method).sticky = false; }
  rpc Serial(stream Body) returns (google.protobuf.Empty) { option (nano.method).order = ORDER_SERIAL; }
  rpc Kept(google.protobuf.Empty) returns (stream Body) { option (nano.method).delivery = DELIVERY_REPLAY; }
}
message Body { string seat = 1; }
`;

const everything =
  'access: ACCESS_PUBLIC timeout_ms: 7 limit: {per_second: 7} max_bytes: 7 key: "seat" own: true order: ORDER_CONCURRENT max_concurrent: 7 delivery: DELIVERY_LATEST latest_by: "seat" errors: {code: "aborted"} validate: true';
const kinds = `
service KindService {
  option (nano.handler).server = "kind";
  rpc Ask(Body) returns (Body);
  rpc Tell(stream Body) returns (google.protobuf.Empty);
  rpc Told(google.protobuf.Empty) returns (stream Body);
}
service KindAdminService {
  option (nano.remote).server = "kind";
  rpc Ask(Body) returns (Body);
}
message Body { string seat = 1 [(buf.validate.field).string.max_len = 9]; }
`;

let files: readonly FileDescriptorProto[];

beforeAll(async () => {
  const packages = Object.entries(layered).map(([name, one]) => [`in_${name}.proto`, packageOf(`in_${name}`, one)]);
  files = await compile({
    ...Object.fromEntries(packages),
    "rest.proto": `${head("rest")}${rest}`,
    "kinds.proto": `${head("kinds")}${kinds}`,
    "kinds_policy.proto": `${head("kinds")}\noption (nano.policy) = {defaults: {${everything}}};\n`,
  });
});

describe("method over service over package, field by field:", () => {
  test("every option that defaults may have is here", () => {
    expect(Object.keys(layered).sort()).toEqual(
      MethodSchema.fields
        .map(({ name }) => name)
        .filter((name) => name !== "route")
        .sort(),
    );
  });

  test.each(Object.entries(layered))("%s", (name, { entry, layers: [inPackage, inService, inMethod], push }) => {
    const printed = print(files, `in_${name}.proto`)[`in_${name}_nano.ts`];
    const printedOf = (service: string, method: string): string | undefined =>
      entriesOf(printed, `${service}${push ? "Push" : "Method"}`, method)[entry];
    expect(printedOf("Plain", "quiet")).toBe(inPackage[1]);
    expect(printedOf("Plain", "loud")).toBe(inMethod[1]);
    expect(printedOf("Held", "quiet")).toBe(inService[1]);
    expect(printedOf("Held", "loud")).toBe(inMethod[1]);
  });
});

describe("defaults fall away where they fit no more:", () => {
  const entries = (method: string): Readonly<Record<string, string>> =>
    entriesOf(print(files, "rest.proto")["rest_nano.ts"], method === "kept" ? "RestPush" : "RestMethod", method);

  test("roles, of a method that is opened to everyone", () => {
    expect(entries("open")).toMatchObject({ access: '"public"', by: '{ key: "seat" }', own: "true", maxConcurrent: "3" });
    expect(entries("open")).not.toHaveProperty("roles");
    expect(entries("stick")).toMatchObject({ roles: '["admin"]' });
  });

  test("own, of a method without a key", () => {
    expect(entries("stick")).toMatchObject({ by: '"sticky"' });
    expect(entries("stick")).not.toHaveProperty("own");
    expect(entries("any")).not.toHaveProperty("by");
    expect(entries("any")).not.toHaveProperty("own");
  });

  test("max_concurrent, of a method whose messages wait for each other", () => {
    expect(entries("serial")).not.toHaveProperty("order");
    expect(entries("serial")).not.toHaveProperty("maxConcurrent");
  });

  test("latest_by, of a push that loses nothing", () => {
    expect(entries("kept")).not.toHaveProperty("delivery");
    expect(entries("kept")).not.toHaveProperty("latestBy");
  });
});

test("a package's policy holds for its other files, for each kind as far as it means something", () => {
  const printed = print(files, "kinds.proto", "kinds_policy.proto")["kinds_nano.ts"];
  const policyOf = (table: string, method: string): Readonly<Record<string, string>> => {
    const {
      kind: _kind,
      method: _method,
      route: _route,
      input: _in,
      output: _out,
      ...policy
    } = entriesOf(printed, table, method);
    return policy;
  };
  const remote = { timeoutMs: "7", maxBytes: "7", by: '{ key: "seat" }', own: "true", validate: "true", check: "BodyCheck" };
  const handler = {
    ...remote,
    access: '"public"',
    limit: "{ perSecond: 7, burst: 7 }",
    order: '"concurrent"',
    maxConcurrent: "7",
  };
  expect(policyOf("KindMethod", "ask")).toEqual({ ...handler, errors: "{ aborted: {} }" });
  expect(policyOf("KindMethod", "tell")).toEqual(handler);
  expect(policyOf("KindPush", "told")).toEqual({ delivery: '"latest"', latestBy: '"seat"' });
  expect(policyOf("KindAdminMethod", "ask")).toEqual({ ...remote, errors: "{ aborted: {} }" });
});
