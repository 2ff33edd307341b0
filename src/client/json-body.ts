import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { createJsonSerializer, type Serializer } from "../serializer/index.ts";

/** Protobuf-JSON. A module of its own, so that pages that speak protobuf do not load it. @param details The messages that errors may carry. */
export function jsonSerializer(details: () => readonly DescMessage[]): Serializer {
  return createJsonSerializer({ registry: () => createRegistry(...details()) });
}
