import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { ErrorSchema, type Error as WireError } from "../../gen/nano/client/v1/client_pb.ts";
import { ByteWriter, type Codec, type Init } from "../contract/index.ts";
import { fromWireError, NanoError } from "../error/index.ts";
import { protobufSerializer, type Serializer } from "../serializer/index.ts";

/** How one connection's bodies are written and read. */
export interface BodyCodec {
  /** As the handshake names it. */
  readonly name: string;
  /** The bytes are only true until the next call. @param init A message, whole or some fields of it. */
  encode(codec: Codec<Message>, init: Init<Message>): Uint8Array;
  /** Reads what stands in a buffer from `from` up to `to`. Throws NanoError `internal` on what the schema cannot read: the server has another one. */
  decode(codec: Codec<Message>, buffer: Uint8Array, from: number, to: number): Message;
  read<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S>;
  /** Never throws: an error that cannot be read is `unknown`. */
  decodeError(bytes: Uint8Array): NanoError;
}

/** Undefined where nobody here speaks it. Protobuf needs no serializer. */
export function createBodyCodec(name: string, serializers: readonly Serializer[]): BodyCodec | undefined {
  const serializer = serializers.find((one) => one.name === name);
  if (serializer) return serializedBodies(serializer);
  return name === "protobuf" ? protobufBodies : undefined;
}

const writer = new ByteWriter(1_024);

const protobufBodies: BodyCodec = {
  ...serializedBodies(protobufSerializer, (codec, buffer, from, to) => codec.decode(buffer, from, to)),
  encode(codec, init) {
    writer.truncate(0);
    codec.encode(init, writer);
    return writer.view(0, writer.length);
  },
};

function serializedBodies(
  serializer: Serializer,
  read: BodyCodec["decode"] = (codec, buffer, from, to) => serializer.decode(codec.schema, buffer.subarray(from, to)),
): BodyCodec {
  return {
    name: serializer.name,
    encode: (codec, init) => serializer.encode(codec.schema, codec.create(init)),
    decode(codec, buffer, from, to) {
      try {
        return read(codec, buffer, from, to);
      } catch (cause) {
        throw new NanoError({ code: "internal", message: `what the server sent is no ${codec.schema.typeName}`, cause });
      }
    },
    read: (schema, bytes) => serializer.decode(schema, bytes),
    decodeError(bytes) {
      try {
        return fromWireError(readError(serializer, bytes));
      } catch (reason) {
        return new NanoError({
          code: "unknown",
          message: "the server answered with an error that cannot be read",
          cause: reason,
        });
      }
    },
  };
}

// A detail of a message that this client was not generated with has no JSON; the code and the words count.
function readError(serializer: Serializer, bytes: Uint8Array): WireError {
  try {
    return serializer.decode(ErrorSchema, bytes);
  } catch (reason) {
    if (serializer.name !== "json") throw reason;
    const plain: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const bare = JSON.stringify({ ...(typeof plain === "object" ? plain : {}), details: [] });
    return serializer.decode(ErrorSchema, new TextEncoder().encode(bare));
  }
}
