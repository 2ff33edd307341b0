/** A schema with everything that its documentation tells of. */
export const shop = `edition = "2024";
package shop.v1;
import "google/protobuf/empty.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import option "buf/validate/validate.proto";
import option "nano/options.proto";
option features.field_presence = IMPLICIT;

// Sells hats.
service ShopService {
  option (nano.handler) = {server: "shop"};

  // Buys one | or more.
  rpc Buy(BuyRequest) returns (BuyResponse) {
    option idempotency_level = IDEMPOTENT;
    option (nano.method) = {
      roles: ["buyer"]
      limit: {per_second: 3 burst: 9}
      max_bytes: 99
      timeout_ms: 700
      key: "item"
      order: ORDER_CONCURRENT
      errors: [{code: "not_found"}, {code: "aborted" detail: "Broke"}]
    };
  }
  rpc Wave(stream google.protobuf.Empty) returns (google.protobuf.Empty) { option deprecated = true; }
  rpc Priced(google.protobuf.Empty) returns (stream PricedResponse) {
    option (nano.method) = {delivery: DELIVERY_LATEST latest_by: "item"};
  }
}

service StockService {
  option (nano.remote) = {server: "shop"};
  rpc Count(google.protobuf.Empty) returns (google.protobuf.UInt32Value);
}

// What is bought.
message BuyRequest {
  // Which.
  string item = 1 [(buf.validate.field).string = {min_len: 2, max_len: 8}];
  uint32 count = 2 [(buf.validate.field).uint32 = {gte: 1, lte: 200}];
  repeated uint32 sizes = 3 [(buf.validate.field).repeated = {max_items: 3, items: {uint32: {lt: 128}}}];
  map<string, bool> wishes = 4 [(buf.validate.field).map = {max_pairs: 2, keys: {string: {max_bytes: 4}}}];
  Color color = 5 [(buf.validate.field).enum = {defined_only: true}];
  oneof pay {
    fixed32 coins = 6;
    bytes card = 16 [(buf.validate.field).bytes = {max_len: 20}];
  }
  google.protobuf.StringValue note = 7 [(buf.validate.field).string.max_bytes = 5];
  google.protobuf.Timestamp at = 8 [(buf.validate.field).required = true];
  Size size = 9;
}
// How it looks.
enum Color {
  COLOR_UNSPECIFIED = 0;
  // As grass.
  COLOR_GREEN = 1;
}
message Size { sint32 width = 1 [(buf.validate.field).sint32 = {gt: -65, lt: 64}]; }
message BuyResponse { Tree tree = 1; }
message Tree { repeated Tree branches = 1 [(buf.validate.field).repeated.max_items = 2]; }
message PricedResponse { string item = 1; double price = 2; }
message Broke { int64 missing = 1; }
`;
