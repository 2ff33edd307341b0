/** A schema that the plugin refuses. */
export interface BadSchema {
  /** Names its package and its file. */
  readonly name: string;
  /** What stands below the first line. */
  readonly proto: string;
  /** What stands below the first line of a second file of the package. */
  readonly more?: string;
  /** Every problem that is told, in order: `line:column: what is wrong`. */
  readonly problems: readonly string[];
}

/** The .proto files of a bad schema, by path: one line of head, the case, and the messages that all use. Edition 2024 would refuse some names itself. */
export function protosOf({ name, proto, more }: BadSchema): Readonly<Record<string, string>> {
  const head = `edition = "2023"; package ${name}; import "google/protobuf/empty.proto"; import "nano/options.proto"; option features.field_presence = IMPLICIT;`;
  return {
    [`${name}.proto`]: `${head}${proto}${messages}`,
    ...(more === undefined ? {} : { [`${name}_more.proto`]: `${head}${more}message MoreRequest {}\nmessage MoreResponse {}\n` }),
  };
}

const messages = `
message JoinRequest { string room = 1; double weight = 2; repeated string others = 3; bool quick = 4; bytes seed = 5; JoinRequest back = 6; }
message JoinResponse { string room = 1; float score = 2; }
message BlankRequest {}
message WeightRequest { double weight = 1; }
`;

const service = (body: string, name = "RoomService", kind = "handler"): string => `
service ${name} {
  option (nano.${kind}).server = "room";
${body}
}
`;

/** A method with its options: the first stands at 5:29, each of the others at the beginning of the next line. */
const method = (rpc: string, options: readonly string[]): string => `  rpc ${rpc} {
    option (nano.method) = {${options.join("\n")}};
  }`;

const join = (...options: readonly string[]): string => service(method("Join(JoinRequest) returns (JoinResponse)", options));
const notify = (...options: readonly string[]): string =>
  service(method("Say(stream JoinRequest) returns (google.protobuf.Empty)", options));
const push = (...options: readonly string[]): string =>
  service(method("Said(google.protobuf.Empty) returns (stream JoinResponse)", options));
const remote = (...options: readonly string[]): string =>
  service(method("Stats(JoinRequest) returns (JoinResponse)", options), "RoomAdminService", "remote");

/** The problems of a method whose options all mean nothing. */
const meaningless = (options: readonly string[], kind: string, rpc: string): string[] =>
  options.map((option, at) => `${at + 5}:${at === 0 ? 29 : 1}: ${option} means nothing on a ${kind}: leave it out of ${rpc}`);

const codes =
  "canceled, unknown, invalid_argument, deadline_exceeded, not_found, already_exists, permission_denied, resource_exhausted, failed_precondition, aborted, out_of_range, unimplemented, internal, unavailable, data_loss, unauthenticated";
const keepRoute = "rename the rpc, and set its route to keep what clients call";

export const badSchemas: readonly BadSchema[] = [
  // Files and packages.
  {
    name: "session_unknown",
    proto: `
option (nano.session) = "Nobody";
`,
    problems: [
      '2:1: (nano.session) names "Nobody", which is no message of this package or its imports: write "session_unknown.Name"',
    ],
  },
  {
    name: "session_of_nobody",
    proto: `
option (nano.session) = "JoinRequest";${service("  rpc Stats(JoinRequest) returns (JoinResponse);", "RoomAdminService", "remote")}`,
    problems: ["2:1: (nano.session) is said of a file's handlers, and this file has none: leave it out"],
  },
  {
    name: "policy_twice",
    proto: `
option (nano.policy) = {defaults: {timeout_ms: 10}};
`,
    more: `
option (nano.policy).require_access = true;
`,
    problems: ["_more.proto:2:1: policy_twice.proto says (nano.policy) for the package already: write one of the two"],
  },
  {
    name: "policy_route",
    proto: `
option (nano.policy) = {defaults: {route: "a"}};
`,
    problems: ["2:36: a route belongs to one method: write it in (nano.method)"],
  },
  {
    name: "policy_value",
    proto: `
option (nano.policy) = {
  defaults: {timeout_ms: 0}
};
`,
    problems: ["3:14: timeout_ms is at least 1: leave it out for the default of 5000"],
  },
  {
    name: "access_missing",
    proto: `
option (nano.policy).require_access = true;${join("timeout_ms: 5")}`,
    problems: ["5:3: the package asks for an access word: Join needs access: ACCESS_BOUND or ACCESS_PUBLIC"],
  },
  {
    name: "access_missing_elsewhere",
    proto: `
option (nano.policy).require_access = true;
`,
    more: `
service MoreService {
  option (nano.handler).server = "more";
  rpc More(MoreRequest) returns (MoreResponse);
}
`,
    problems: ["_more.proto:4:3: the package asks for an access word: More needs access: ACCESS_BOUND or ACCESS_PUBLIC"],
  },

  // Services.
  {
    name: "both_kinds",
    proto: `
service RoomService {
  option (nano.handler).server = "room";
  option (nano.remote).server = "room";
}
`,
    problems: ["4:3: RoomService is both (nano.handler) and (nano.remote): make it two services"],
  },
  {
    name: "neither_kind",
    proto: `
service RoomService {
  rpc Join(JoinRequest) returns (JoinResponse) {
    option (nano.method).timeout_ms = 5;
  }
}
`,
    problems: ["4:5: RoomService is neither (nano.handler) nor (nano.remote): give it one, with its server"],
  },
  {
    name: "server_missing",
    proto: `
service RoomService {
  option (nano.handler) = {};
}
`,
    problems: ['3:10: RoomService needs the type of its server, in lowerCamelCase: option (nano.handler).server = "room"'],
  },
  {
    name: "server_name",
    proto: `
service RoomAdminService {
  option (nano.remote).server = "Room-1";
}
`,
    problems: ['3:3: RoomAdminService needs the type of its server, in lowerCamelCase: option (nano.remote).server = "room"'],
  },
  {
    name: "defaults_route",
    proto: `
service RoomService {
  option (nano.handler) = {server: "room" defaults: {route: "a"}};
}
`,
    problems: ["3:54: a route belongs to one method: write it in (nano.method)"],
  },
  {
    name: "defaults_of_remote",
    proto: `
service RoomAdminService {
  option (nano.remote) = {
    server: "room"
    defaults: {access: ACCESS_PUBLIC timeout_ms: 5 sticky: true}
  };
}
`,
    problems: [
      "5:16: access means nothing for any method of a remote: leave it out of the defaults",
      "5:52: sticky means nothing for any method of a remote: leave it out of the defaults",
    ],
  },
  {
    name: "defaults_value",
    proto: `
service RoomService {
  option (nano.handler) = {server: "room" defaults: {max_concurrent: 0}};
}
`,
    problems: ["3:54: max_concurrent is at least 1: leave it out for the default of 16"],
  },
  {
    name: "short_name",
    proto: `
service Room { option (nano.handler).server = "gate"; }
service RoomService { option (nano.remote).server = "room"; }
`,
    problems: ["3:1: RoomService and Room would both be printed as Room: rename one"],
  },

  // Shapes.
  {
    name: "shape_both_ways",
    proto: service("  rpc Talk(stream JoinRequest) returns (stream JoinResponse);"),
    problems: ["4:3: Talk streams both ways: make it a notify (stream in, Empty out) and a push (Empty in, stream out)"],
  },
  {
    name: "shape_notify",
    proto: service("  rpc Say(stream JoinRequest) returns (JoinResponse);"),
    problems: ["4:3: a notify has no answer: rpc Say(stream JoinRequest) returns (google.protobuf.Empty)"],
  },
  {
    name: "shape_push",
    proto: service("  rpc Said(JoinRequest) returns (stream JoinResponse);"),
    problems: ["4:3: a push asks for nothing: rpc Said(google.protobuf.Empty) returns (stream JoinResponse)"],
  },
  {
    name: "shape_remote",
    proto: `
service RoomAdminService {
  option (nano.remote).server = "room";
    rpc Stats(JoinRequest) returns (stream JoinResponse);
}
`,
    problems: ["4:5: Stats streams, but servers only ask: rpc Stats(JoinRequest) returns (JoinResponse)"],
  },

  // Options that mean nothing where they stand.
  {
    name: "on_request",
    proto: join("delivery: DELIVERY_LATEST", 'latest_by: "room"'),
    problems: meaningless(["delivery", "latest_by"], "request", "Join"),
  },
  {
    name: "on_notify",
    proto: notify("delivery: DELIVERY_REPLAY", 'latest_by: "room"', 'errors: {code: "aborted"}'),
    problems: meaningless(["delivery", "latest_by", "errors"], "notify", "Say"),
  },
  {
    name: "on_push",
    proto: push(
      "access: ACCESS_PUBLIC",
      'roles: "a"',
      "timeout_ms: 1",
      "max_bytes: 1",
      "sticky: true",
      "own: true",
      "order: ORDER_SERIAL",
      "max_concurrent: 1",
      "validate: true",
    ),
    problems: meaningless(
      ["access", "roles", "timeout_ms", "max_bytes", "sticky", "own", "order", "max_concurrent", "validate"],
      "push",
      "Said",
    ),
  },
  {
    name: "more_on_push",
    proto: push('key: "room"', 'errors: {code: "aborted"}'),
    problems: meaningless(["key", "errors"], "push", "Said"),
  },
  {
    name: "on_remote",
    proto: remote(
      "access: ACCESS_BOUND",
      'roles: "a"',
      "sticky: true",
      "order: ORDER_CONCURRENT",
      "max_concurrent: 2",
      "delivery: DELIVERY_REPLAY",
      'latest_by: "room"',
    ),
    problems: meaningless(["access", "roles", "sticky", "order", "max_concurrent", "delivery", "latest_by"], "remote", "Stats"),
  },

  ...(["push", "remote"] as const).map((kind) => ({
    name: `limit_on_${kind}`,
    proto: { push, remote }[kind]("limit: {per_second: 1}"),
    problems: [`5:37: limit means nothing on a ${kind}: leave it out of ${{ push: "Said", remote: "Stats" }[kind]}`],
  })),

  // Values.
  { name: "role_empty", proto: join('roles: ""'), problems: ['5:29: a role has a name: roles: "admin"'] },
  {
    name: "timeout_zero",
    proto: join("timeout_ms: 0"),
    problems: ["5:29: timeout_ms is at least 1: leave it out for the default of 5000"],
  },
  {
    name: "bytes_zero",
    proto: join("max_bytes: 0"),
    problems: ["5:29: max_bytes is at least 1: leave it out for the server's limit"],
  },
  {
    name: "concurrent_zero",
    proto: join("order: ORDER_CONCURRENT", "max_concurrent: 0"),
    problems: ["6:1: max_concurrent is at least 1: leave it out for the default of 16"],
  },
  { name: "limit_zero", proto: join("limit: {burst: 3}"), problems: ["5:37: limit needs a rate: limit: {per_second: 10}"] },
  {
    name: "error_code",
    proto: join('errors: {code: "alredy_exists"}'),
    problems: [`5:29: "alredy_exists" is no code of an error: write one of ${codes}`],
  },
  {
    name: "error_twice",
    proto: join('errors: [{code: "aborted"}, {code: "aborted" detail: "JoinRequest"}]'),
    problems: ["5:29: the error aborted is declared twice: one code has one detail, so write it once"],
  },
  {
    name: "error_detail",
    proto: remote('errors: {code: "aborted" detail: "Nobody"}'),
    problems: ['5:29: the detail "Nobody" of aborted is no message of this package or its imports: write "error_detail.Name"'],
  },

  // Options that need each other.
  { name: "own_alone", proto: join("own: true"), problems: ['5:29: own is said of a key: add key: "field"'] },
  {
    name: "concurrent_alone",
    proto: join("max_concurrent: 4"),
    problems: ["5:29: max_concurrent is said of messages side by side: add order: ORDER_CONCURRENT"],
  },
  {
    name: "public_roles",
    proto: join("access: ACCESS_PUBLIC", 'roles: "admin"'),
    problems: ["6:1: who has a role is a user, so Join cannot be ACCESS_PUBLIC: write access: ACCESS_BOUND, or no roles"],
  },
  {
    name: "public_default_roles",
    proto: `
service RoomService {
  option (nano.handler) = {server: "room" defaults: {access: ACCESS_PUBLIC}};
  rpc Join(JoinRequest) returns (JoinResponse) {
    option (nano.method).roles = "admin";
  }
}
`,
    problems: ["5:5: who has a role is a user, so Join cannot be ACCESS_PUBLIC: write access: ACCESS_BOUND, or no roles"],
  },
  {
    name: "latest_alone",
    proto: push('latest_by: "room"'),
    problems: ["5:29: latest_by is said of the newest push: add delivery: DELIVERY_LATEST"],
  },

  // Keys.
  {
    name: "key_unknown",
    proto: join('key: "rom"'),
    problems: ['5:29: JoinRequest has no field "rom" to route by: write one of room, quick, seed'],
  },
  {
    name: "key_unknown_empty",
    proto: service('  rpc Join(BlankRequest) returns (JoinResponse) { option (nano.method).key = "room"; }'),
    problems: ['4:51: BlankRequest has no field "room" to route by: give it one'],
  },
  ...["weight", "others", "back"].map((field) => ({
    name: `key_${field}`,
    proto: remote(`key: "${field}"`),
    problems: [
      `5:29: the field "${field}" of JoinRequest is no string, bytes, integer, bool or enum to route by: write one of room, quick, seed`,
    ],
  })),
  {
    name: "key_weight_alone",
    proto: service('  rpc Join(WeightRequest) returns (JoinResponse) { option (nano.method).key = "weight"; }'),
    problems: ['4:52: the field "weight" of WeightRequest is no string, bytes, integer, bool or enum to route by: give it one'],
  },
  {
    name: "key_of_defaults",
    proto: `
service RoomService {
  option (nano.handler) = {server: "room" defaults: {key: "room"}};
  rpc Join(JoinRequest) returns (JoinResponse);
  rpc Leave(BlankRequest) returns (JoinResponse);
}
`,
    problems: ['5:3: BlankRequest has no field "room" to route by: give it one'],
  },
  {
    name: "latest_unknown",
    proto: push("delivery: DELIVERY_LATEST", 'latest_by: "name"'),
    problems: ['6:1: JoinResponse has no field "name" to tell pushes apart by: write one of room'],
  },
  {
    name: "latest_score",
    proto: push("delivery: DELIVERY_LATEST", 'latest_by: "score"'),
    problems: [
      '6:1: the field "score" of JoinResponse is no string, bytes, integer, bool or enum to tell pushes apart by: write one of room',
    ],
  },

  // Names.
  ...["Init", "AfterInit", "beforeShutdown", "Shutdown", "OnRelease"].map((rpc) => ({
    name: `hook_${rpc.toLowerCase()}`,
    proto: service(`  rpc ${rpc}(JoinRequest) returns (JoinResponse);`),
    problems: [`4:3: ${rpc} would be taken for the hook ${rpc.charAt(0).toLowerCase()}${rpc.slice(1)}(): ${keepRoute}`],
  })),
  ...["Then", "toJSON", "ToString", "Constructor", "ValueOf", "HasOwnProperty", "ToLocaleString", "__proto__"].map((rpc) => ({
    name: `name_${rpc.toLowerCase()}`,
    proto: service(`  rpc ${rpc}(google.protobuf.Empty) returns (stream JoinResponse);`),
    problems: [`4:3: ${rpc} is a name that JavaScript gives a meaning: ${keepRoute}`],
  })),
  {
    name: "name_remote",
    proto: `
service RoomAdminService {
  option (nano.remote).server = "room";
  rpc Then(JoinRequest) returns (JoinResponse);
  rpc Init(JoinRequest) returns (JoinResponse);
}
`,
    problems: [
      `4:3: Then is a name that JavaScript gives a meaning: ${keepRoute}`,
      `5:3: Init would be taken for the hook init(): ${keepRoute}`,
    ],
  },
  {
    name: "twins",
    proto: service(`  rpc Join(JoinRequest) returns (JoinResponse);
  rpc join(stream JoinRequest) returns (google.protobuf.Empty) { option (nano.method).route = "other"; }`),
    problems: ["5:3: join and Join would both be printed as join: rename one"],
  },
  {
    name: "listener",
    proto: service(`  rpc said(google.protobuf.Empty) returns (stream JoinResponse);
  rpc OnSaid(JoinRequest) returns (JoinResponse);`),
    problems: ["5:3: clients would find both OnSaid and said as onSaid: rename one"],
  },
  {
    name: "listener_later",
    proto: service(`  rpc onSaid(JoinRequest) returns (JoinResponse);
  rpc Said(google.protobuf.Empty) returns (stream JoinResponse);`),
    problems: ["5:3: clients would find both Said and onSaid as onSaid: rename one"],
  },
  {
    name: "error_type",
    proto: `
service RoomService {
  option (nano.handler).server = "room";
  rpc AdminJoin(JoinRequest) returns (JoinResponse) { option (nano.method).errors = {code: "aborted"}; }
}
service RoomAdminService {
  option (nano.remote).server = "room";
  rpc Join(JoinRequest) returns (JoinResponse) { option (nano.method).errors = {code: "aborted"}; }
}
`,
    problems: [
      "8:3: the errors of RoomAdminService.Join and RoomService.AdminJoin would both be printed as RoomAdminJoinError: rename one",
    ],
  },

  // Routes.
  {
    name: "route_long",
    proto: join(`route: "${"ä".repeat(128)}"`),
    problems: ["5:29: the route of Join has over 255 bytes: set a shorter one by (nano.method).route"],
  },
  {
    name: "route_blank",
    proto: notify('route: "room say"'),
    problems: ['5:29: the route "room say" has blanks or control characters: leave them out'],
  },
  {
    name: "route_control",
    proto: push('route: "said\\u0007"'),
    problems: ['5:29: the route "said\u0007" has blanks or control characters: leave them out'],
  },
  {
    name: "validate_without_rules",
    proto: join("validate: true"),
    problems: ["5:29: JoinRequest has no rules to validate it by: give its fields some, or leave validate out"],
  },
  {
    name: "rules_of_another_type",
    proto: `import "buf/validate/validate.proto";${service("  rpc Count(CountRequest) returns (JoinResponse);")}
message CountRequest { int32 count = 1 [(buf.validate.field).string.min_len = 1]; }
`,
    problems: [
      '4:3: the rules of CountRequest make no sense: expected rule "int32", got "string" on field rules_of_another_type.CountRequest.count',
    ],
  },
  {
    name: "rules_expression",
    proto: `import "buf/validate/validate.proto";${service("  rpc Count(CountRequest) returns (JoinResponse);")}
message CountRequest { int32 count = 1 [(buf.validate.field).cel = {id: "odd", expression: "this +"}]; }
`,
    problems: [
      "4:3: the rules of CountRequest make no sense: failed to compile odd: syntax error: <input>:1:6: found + but expecting end of input",
    ],
  },
  {
    name: "route_nano",
    proto: `
service RoomService {
  option (nano.handler).server = "nano";
  rpc Join(JoinRequest) returns (JoinResponse);
}
`,
    problems: ['4:3: the route "nano.room.join" begins with "nano.", which is nano\'s own: choose another'],
  },
  {
    name: "route_taken",
    proto: `
service RoomService {
  option (nano.handler).server = "room";
  rpc Join(JoinRequest) returns (JoinResponse);
  rpc Say(stream JoinRequest) returns (google.protobuf.Empty) { option (nano.method).route = "room.room.join"; }
}
service RoomAdminService {
  option (nano.remote).server = "room";
  rpc Stats(JoinRequest) returns (JoinResponse) { option (nano.method).route = "room.room.join"; }
}
`,
    problems: [
      '5:65: the route "room.room.join" is route_taken.RoomService.Join\'s already: set another by (nano.method).route',
      '9:51: the route "room.room.join" is route_taken.RoomService.Say\'s already: set another by (nano.method).route',
    ],
  },
];
