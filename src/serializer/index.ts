export { createJsonSerializer } from "./json-serializer.ts";
export { padEmptyProtobuf, protobufSerializer, type Serializer } from "./serializer.ts";
