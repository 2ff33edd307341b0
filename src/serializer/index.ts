export { asciiSerializer } from "./ascii-serializer.ts";
export { createJsonSerializer } from "./json-serializer.ts";
export { malformed, padEmptyProtobuf, protobufSerializer, type Serializer } from "./serializer.ts";
