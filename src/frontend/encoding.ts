import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import { asciiJson, clientFamily, type HandshakeRequest } from "../handshake/index.ts";
import { asciiSerializer, createJsonSerializer, malformed, padEmptyProtobuf, type Serializer } from "../serializer/index.ts";

/** How one connection's bodies are written. Inside the cluster, and in every log, they are protobuf. */
export interface ClientEncoding {
  /** As the handshake names it. */
  readonly name: string;
  /** Whether it is protobuf as it stands, both ways but for empty bodies. */
  readonly plain: boolean;
  /** A client's body in protobuf. Throws NanoError `invalid_argument`. */
  decode(message: DescMessage, body: Uint8Array): Uint8Array;
  /** A body of the cluster as the client reads it. Of one that many clients get, the work is done once. */
  encode(message: DescMessage, body: Uint8Array): Uint8Array;
}

/** Chooses the encoding of a connection. */
export interface Encodings {
  /** Undefined where the client names an encoding that this server does not have. */
  choose(request: HandshakeRequest): ClientEncoding | undefined;
}

/** @param fallback The encoding of clients that name none. */
export function createEncodings(options: {
  readonly fallback: string;
  readonly serializers: readonly Serializer[];
  readonly registry: () => Registry;
}): Encodings {
  const plain: ClientEncoding = {
    name: "protobuf",
    plain: true,
    decode: (_message, body) => body,
    encode: (_message, body) => body,
  };
  const padded: ClientEncoding = { ...plain, encode: (_message, body) => padEmptyProtobuf(body) };
  const json = transcoding(createJsonSerializer({ registry: options.registry }));
  const asciiOnly = transcoding(createJsonSerializer({ registry: options.registry, ascii: true }));
  const custom = new Map(options.serializers.map((serializer) => [serializer.name, transcoding(serializer)]));
  const ownJson = options.serializers.find(({ name }) => name === "json");
  const asciiOwnJson = ownJson && transcoding(asciiSerializer(ownJson));
  return {
    choose(request) {
      const name = request.sys.serializer ?? options.fallback;
      const known = custom.get(name);
      if (known) return asciiOwnJson && name === "json" && asciiJson(request) ? asciiOwnJson : known;
      if (name === "json") return asciiJson(request) ? asciiOnly : json;
      if (name === "protobuf") return clientFamily(request) === "nano" ? plain : padded;
      return undefined;
    },
  };
}

function transcoding(serializer: Serializer): ClientEncoding {
  // A broadcast's body is one object in the logs of many sessions.
  const encoded = new WeakMap<Uint8Array, Uint8Array>();
  return {
    name: serializer.name,
    plain: false,
    decode(message, body) {
      try {
        return toBinary(message, serializer.decode(message, body));
      } catch (reason) {
        // Whatever a serializer of the application throws: it could not read what a client sent.
        throw reason instanceof NanoError ? reason : malformed(message, reason);
      }
    },
    encode(message, body) {
      let bytes = encoded.get(body);
      if (!bytes) {
        bytes = serializer.encode(message, fromBinary(message, body));
        encoded.set(body, bytes);
      }
      return bytes;
    },
  };
}
