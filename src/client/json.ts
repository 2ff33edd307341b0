// Protobuf-JSON for clients in browsers, where it is a third of the size and few need it: `serializers: [json]`.
import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { ViolationsSchema } from "../../gen/buf/validate/validate_pb.ts";
import { createJsonSerializer, type Serializer } from "../serializer/index.ts";

/** Protobuf's canonical JSON. In Node every client has it. */
export const json: Serializer = {
  ...createJsonSerializer(),
  knowing: (messages: () => readonly DescMessage[]) =>
    createJsonSerializer({ registry: () => createRegistry(ViolationsSchema, ...messages()) }),
};
