import { beforeAll, expect, test } from "vitest";
import { compile, print } from "./compile.ts";

/** One service, with one thing or another changed. */
const schema = ({
  options = "",
  fields = "",
  nested = "",
  detail = "",
  unseen = "",
  rpcs = "",
  comment = "",
} = {}): string => `edition = "2024";
package same;
import option "nano/options.proto";
service RoomService {
  option (nano.handler).server = "room";
  // ${comment}
  rpc Join(JoinRequest) returns (JoinResponse) {
    option (nano.method) = {errors: {code: "aborted" detail: "Why"} ${options}};
  }
  ${rpcs}
}
message JoinRequest { string room = 1; Inner inner = 2; ${fields} }
message Inner { string text = 1; ${nested} }
message JoinResponse {}
message Why { string text = 1; ${detail} }
message Unseen { string text = 1; ${unseen} }
`;

const variants: Readonly<Record<string, Parameters<typeof schema>[0]>> = {
  base: {},
  comment: { comment: "Another word." },
  policy: { options: "access: ACCESS_PUBLIC timeout_ms: 1 limit: {per_second: 1}" },
  unseen: { unseen: "string more = 2;" },
  route: { options: 'route: "join"' },
  field: { fields: "string more = 3;" },
  nested: { nested: "string more = 2;" },
  detail: { detail: "string more = 2;" },
  rpc: { rpcs: "rpc Leave(JoinRequest) returns (JoinResponse);" },
};

const prints = new Map<string, string | undefined>();

beforeAll(async () => {
  for (const [name, change] of Object.entries(variants)) {
    const files = await compile({ "room.proto": schema(change) });
    const printed = print(files, "room.proto")["room_client.ts"];
    prints.set(name, /fingerprint: "([0-9a-f]{16})"/.exec(printed ?? "")?.[1]);
  }
});

test("a fingerprint is the same for what clients do not see", () => {
  expect(prints.get("base")).toBeDefined();
  for (const same of ["comment", "policy", "unseen"]) expect([same, prints.get(same)]).toEqual([same, prints.get("base")]);
});

test("a fingerprint is another for every route and message that clients see", () => {
  const others = ["base", "route", "field", "nested", "detail", "rpc"].map((name) => prints.get(name));
  expect(new Set(others).size).toBe(others.length);
});
