import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { Packr } from "msgpackr";
import type { Serializer } from "nano-rpc";

// Plain maps, which any MessagePack reads.
const packr = new Packr({ useRecords: false });

/** Bodies as MessagePack: the same schema, the names of protobuf's JSON. For servers and clients. */
export const messagePack: Serializer = {
  name: "msgpack",
  encode: (schema, message) => Uint8Array.from(packr.pack(toJson(schema, message))),
  decode(schema, bytes) {
    // What is no JSON is no message: the server answers `invalid_argument` for what is thrown here.
    const json: JsonValue = bytes.length === 0 ? {} : packr.unpack(bytes);
    return fromJson(schema, json, { ignoreUnknownFields: true });
  },
};
