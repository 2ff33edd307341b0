const head = `edition = "2024";
package shop.v1;
import "google/protobuf/empty.proto";
import option "buf/validate/validate.proto";
import option "nano/options.proto";
`;

/** As much of protovalidate's options as a schema here needs: number and shape are the real ones'. */
export const validateProto = `syntax = "proto2";
package buf.validate;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { optional FieldRules field = 1159; }
message FieldRules { oneof type { StringRules string = 14; } }
message StringRules { optional uint64 min_len = 2; optional uint64 max_len = 3; }
`;

const rest = `
message In { string name = 1; int32 old = 2; }
message Out { string name = 1; }
message Ruled { string name = 1 [(buf.validate.field).string.min_len = 1]; string free = 2; }
message Unruled { string name = 1; }
message Why { string name = 1; }
`;

/** A schema that was shipped: one method for each thing that may change. */
export const before = `${head}
service ShopService {
  option (nano.handler) = {server: "shop"};
  rpc Gone(In) returns (Out);
  rpc GonePush(google.protobuf.Empty) returns (stream Out);
  rpc Renamed(In) returns (Out);
  rpc Kind(In) returns (google.protobuf.Empty);
  rpc Type(In) returns (Out);
  rpc Narrow(In) returns (Out) { option (nano.method).access = ACCESS_PUBLIC; }
  rpc Widen(In) returns (Out);
  rpc RolesLess(In) returns (Out) { option (nano.method) = {roles: ["a", "b"]}; }
  rpc RolesMore(In) returns (Out) { option (nano.method).roles = "a"; }
  rpc RolesNew(In) returns (Out);
  rpc Slow(In) returns (Out);
  rpc Fast(In) returns (Out) { option (nano.method).timeout_ms = 100; }
  rpc Limit(In) returns (Out) { option (nano.method).limit = {per_second: 5 burst: 10}; }
  rpc Unlimit(In) returns (Out) { option (nano.method).limit = {per_second: 5}; }
  rpc Bytes(In) returns (Out);
  rpc Order(In) returns (Out);
  rpc Unorder(In) returns (Out) { option (nano.method).order = ORDER_CONCURRENT; }
  rpc NewKey(In) returns (Out);
  rpc OldKey(In) returns (Out);
  rpc Twice(In) returns (Out) { option idempotency_level = IDEMPOTENT; }
  rpc Once(In) returns (Out);
  rpc Rules(Ruled) returns (Out);
  rpc RulesOn(Unruled) returns (Out) { option (nano.method).validate = false; }
  rpc RulesOff(Ruled) returns (Out);
  rpc Errors(In) returns (Out) { option (nano.method) = {errors: [{code: "not_found"}, {code: "aborted" detail: "Why"}, {code: "internal" detail: "Why"}]}; }
  rpc Weaker(google.protobuf.Empty) returns (stream Out);
  rpc Stronger(google.protobuf.Empty) returns (stream Out) { option (nano.method).delivery = DELIVERY_DROPPABLE; }
  rpc By(google.protobuf.Empty) returns (stream Out) { option (nano.method) = {delivery: DELIVERY_LATEST latest_by: "name"}; }
  rpc Same(In) returns (Out) { option (nano.method) = {access: ACCESS_PUBLIC timeout_ms: 7}; }
}
service AdminService {
  option (nano.remote) = {server: "shop"};
  rpc Stats(In) returns (Out);
  rpc Close(In) returns (Out) { option (nano.method).timeout_ms = 9; }
}
${rest}`;

/** What it has become. */
export const after = `${head}
option (nano.policy).defaults = {timeout_ms: 5000};
service ShopService {
  option (nano.handler) = {server: "shop"};
  rpc NewName(In) returns (Out) { option (nano.method).route = "shop.shop.renamed"; }
  rpc Kind(stream In) returns (google.protobuf.Empty);
  rpc Type(In) returns (Why);
  rpc Narrow(In) returns (Out);
  rpc Widen(In) returns (Out) { option (nano.method).access = ACCESS_PUBLIC; }
  rpc RolesLess(In) returns (Out) { option (nano.method).roles = "a"; }
  rpc RolesMore(In) returns (Out) { option (nano.method) = {roles: ["a", "b"]}; }
  rpc RolesNew(In) returns (Out) { option (nano.method).roles = "a"; }
  rpc Slow(In) returns (Out) { option (nano.method).timeout_ms = 100; }
  rpc Fast(In) returns (Out);
  rpc Limit(In) returns (Out) { option (nano.method).limit = {per_second: 4 burst: 20}; }
  rpc Unlimit(In) returns (Out);
  rpc Bytes(In) returns (Out) { option (nano.method).max_bytes = 100; }
  rpc Order(In) returns (Out) { option (nano.method).order = ORDER_CONCURRENT; }
  rpc Unorder(In) returns (Out);
  rpc NewKey(In) returns (Out) { option (nano.method).key = "fresh"; }
  rpc OldKey(In) returns (Out) { option (nano.method).key = "name"; }
  rpc Twice(In) returns (Out);
  rpc Once(In) returns (Out) { option idempotency_level = IDEMPOTENT; }
  rpc Rules(Ruled) returns (Out);
  rpc RulesOn(Unruled) returns (Out);
  rpc RulesOff(Ruled) returns (Out) { option (nano.method).validate = false; }
  rpc Errors(In) returns (Out) { option (nano.method) = {errors: [{code: "aborted" detail: "Out"}, {code: "internal" detail: "shop.v1.Why" retryable: true}, {code: "data_loss"}]}; }
  rpc Weaker(google.protobuf.Empty) returns (stream Out) { option (nano.method).delivery = DELIVERY_LATEST; }
  rpc Stronger(google.protobuf.Empty) returns (stream Out);
  rpc By(google.protobuf.Empty) returns (stream Out) { option (nano.method).delivery = DELIVERY_LATEST; }
  rpc Same(In) returns (Out) { option (nano.method) = {access: ACCESS_PUBLIC timeout_ms: 7}; }
}
service AdminService {
  option (nano.remote) = {server: "shop"};
  rpc Close(In) returns (Out) { option (nano.method).timeout_ms = 1; }
}
${rest
  .replace("int32 old = 2;", "reserved 2; reserved old; string fresh = 3;")
  .replace("min_len = 1]; string free = 2", "min_len = 2]; string free = 2 [(buf.validate.field).string.max_len = 9]")
  .replace("message Unruled { string name = 1", "message Unruled { string name = 1 [(buf.validate.field).string.max_len = 9]")}`;

/** Every change, in the words of machines, and the line on which it stands. */
export const changes = {
  refused: ["ROUTE_GONE gone", "KIND_CHANGED kind", "MESSAGE_CHANGED type", "ROUTE_GONE /shop.v1.AdminService/Stats"],
  mayBreak: [
    "PUSH_GONE gonePush",
    "ACCESS_NARROWED narrow",
    "ROLES_NARROWED rolesLess",
    "ROLES_NARROWED rolesNew",
    "TIMEOUT_LOWERED slow",
    "LIMIT_LOWERED limit",
    "MAX_BYTES_LOWERED bytes",
    "ORDER_LOST order",
    "KEY_NOT_SENT newKey",
    "IDEMPOTENT_REMOVED twice",
    "RULES_CHANGED rules",
    "RULES_CHANGED rules",
    "VALIDATION_ADDED rulesOn",
    "ERROR_REMOVED errors",
    "ERROR_DETAIL_CHANGED errors",
    "DELIVERY_WEAKENED weaker",
    "LATEST_BY_CHANGED by",
    "FIELD_GONE In.old",
  ],
  safe: [
    "ACCESS_WIDENED widen",
    "ROLES_WIDENED rolesMore",
    "TIMEOUT_RAISED fast",
    "BURST_RAISED limit",
    "LIMIT_RAISED unlimit",
    "BURST_RAISED unlimit",
    "ORDER_GAINED unorder",
    "ROUTING_CHANGED oldKey",
    "IDEMPOTENT_ADDED once",
    "VALIDATION_REMOVED rulesOff",
    "ERROR_RETRYABLE_CHANGED errors",
    "ERROR_ADDED errors",
    "DELIVERY_STRENGTHENED stronger",
    "FIELD_ADDED In.fresh",
  ],
} as const;
