import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compile } from "../plugin/compile.ts";

/** As many of protovalidate's options as these tests use: numbers and shapes are the real ones'. */
const validate = `syntax = "proto2";
package buf.validate;
import "google/protobuf/descriptor.proto";
extend google.protobuf.MessageOptions { optional MessageRules message = 1159; }
extend google.protobuf.OneofOptions { optional OneofRules oneof = 1159; }
extend google.protobuf.FieldOptions { optional FieldRules field = 1159; }
message Rule { optional string id = 1; optional string message = 2; optional string expression = 3; }
message MessageRules { repeated Rule cel = 3; }
message OneofRules { optional bool required = 1; }
message FieldRules {
  optional bool required = 25;
  oneof type {
    FloatRules float = 1; Int32Rules int32 = 3; UInt64Rules uint64 = 6; StringRules string = 14; BytesRules bytes = 15;
    EnumRules enum = 16; RepeatedRules repeated = 18; MapRules map = 19;
  }
}
message FloatRules { optional float gt = 4; optional float lte = 3; }
message Int32Rules { optional int32 lt = 2; optional int32 lte = 3; optional int32 gt = 4; optional int32 gte = 5; repeated int32 in = 6; }
message UInt64Rules { optional uint64 lt = 2; optional uint64 gte = 5; }
message StringRules {
  optional string const = 1; optional uint64 len = 19; optional uint64 min_len = 2; optional uint64 max_len = 3; optional uint64 max_bytes = 5;
  optional string pattern = 6; optional string prefix = 7; optional string suffix = 8; repeated string in = 10; repeated string not_in = 11;
  oneof well_known { bool email = 12; bool uuid = 22; bool ipv6 = 16; }
}
message BytesRules { optional uint64 len = 13; optional bytes prefix = 5; }
message EnumRules { optional bool defined_only = 2; repeated int32 not_in = 4; }
message RepeatedRules { optional uint64 min_items = 1; optional uint64 max_items = 2; optional bool unique = 3; optional FieldRules items = 4; }
message MapRules { optional uint64 min_pairs = 1; optional FieldRules keys = 4; optional FieldRules values = 5; }
`;

const shop = `edition = "2024";
package rules.v1;
import option "buf/validate/validate.proto";
enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_BLUE = 5; }
message Every {
  string name = 1 [(buf.validate.field).string = {min_len: 1 max_len: 5}];
  string code = 2 [(buf.validate.field).string.pattern = "^[A-Z]{2}-[0-9]{3}$"];
  string mail = 3 [(buf.validate.field).string.email = true];
  string id = 4 [(buf.validate.field).string.uuid = true];
  string path = 5 [(buf.validate.field).string = {prefix: "/a/" suffix: ".txt" not_in: "/a/x.txt"}];
  string one = 6 [(buf.validate.field).string = {in: ["x", "y"]}];
  string small = 7 [(buf.validate.field).string.max_bytes = 7];
  string exact = 8 [(buf.validate.field).string.len = 4];
  string address = 9 [(buf.validate.field).string.ipv6 = true];
  int32 count = 10 [(buf.validate.field).int32 = {gt: 0 lte: 9}];
  int32 outside = 11 [(buf.validate.field).int32 = {gt: 100 lt: -100}];
  int32 chosen = 12 [(buf.validate.field).int32 = {in: [2, 3, 5]}];
  uint64 large = 13 [(buf.validate.field).uint64 = {gte: 9007199254740993 lt: 9007199254740999}];
  float share = 14 [(buf.validate.field).float = {gt: 0 lte: 1}];
  bytes seed = 15 [(buf.validate.field).bytes = {len: 8 prefix: "ab"}];
  Color color = 16 [(buf.validate.field).enum = {defined_only: true not_in: 0}];
  repeated string tags = 17 [(buf.validate.field).repeated = {min_items: 1 max_items: 3 unique: true items: {string: {min_len: 2}}}];
  map<string, int32> stock = 18 [(buf.validate.field).map = {min_pairs: 2 keys: {string: {max_len: 3}} values: {int32: {gte: 0}}}];
  Inner inner = 19 [(buf.validate.field).required = true];
  oneof choice {
    option (buf.validate.oneof).required = true;
    string left = 20 [(buf.validate.field).string.min_len = 3];
    Inner right = 21;
  }
}
message Inner {
  option (buf.validate.message).cel = {id: "order" message: "from is not above to" expression: "this.from <= this.to"};
  int32 from = 1;
  int32 to = 2;
}
message Few {
  repeated Color colors = 1 [(buf.validate.field).repeated = {min_items: 3 unique: true}];
  map<bool, string> both = 2 [(buf.validate.field).map.min_pairs = 2];
}
message TooMany {
  repeated bool all = 1 [(buf.validate.field).repeated = {min_items: 3 unique: true}];
}
message TooManyKeys {
  map<bool, string> all = 1 [(buf.validate.field).map.min_pairs = 3];
}
message Never {
  option (buf.validate.message).cel = {id: "never" message: "no" expression: "this.text == 'exactly this'"};
  string text = 1;
}
`;

/** The messages of a schema with every kind of rule, by their names. */
export async function ruledMessages(): Promise<(name: string) => DescMessage> {
  const files = await compile({ "buf/validate/validate.proto": validate, "rules.proto": shop });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  return (name) => {
    const message = registry.getMessage(`rules.v1.${name}`);
    if (!message) throw new Error(`no message ${name}`);
    return message;
  };
}
