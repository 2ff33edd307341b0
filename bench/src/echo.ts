import { create } from "@bufbuild/protobuf";
import { implement, type Service } from "nano-rpc";
import { type ByteWriter, type Codec, reflectCodec } from "nano-rpc/codegen";
import { EchoHandler } from "../gen/bench/v1/echo_nano.ts";
import { type EchoRequest, EchoRequestSchema, type EchoResponse, EchoResponseSchema } from "../gen/bench/v1/echo_pb.ts";

/**
 * The echo, as users write it; with a promise in it; with protobuf-es in the place of printed codecs; or with codecs that hand the bytes through, which is what
 * all but protobuf costs.
 */
export function echo(handler: string): Service {
  const sync: EchoHandler = { echo: ({ seq, name, text }) => ({ seq, name, text }) };
  if (handler === "sync") return implement(EchoHandler, sync);
  if (handler === "reflected") {
    return implement(withCodecs(reflectCodec(EchoRequestSchema), reflectCodec(EchoResponseSchema)), sync);
  }
  if (handler === "async") {
    return implement(EchoHandler, {
      async echo({ seq, name, text }) {
        await undefined;
        return { seq, name, text };
      },
    });
  }
  if (handler === "bytes") return implement(bytesHandler(), { echo: (request) => request as unknown as EchoResponse });
  throw new TypeError(`--handler is sync, async, reflected or bytes, not ${handler}`);
}

// The message stands aside: only its bytes go from hand to hand.
function bytesHandler(): typeof EchoHandler {
  const [request, response] = [create(EchoRequestSchema), create(EchoResponseSchema)];
  let body: Uint8Array = new Uint8Array(0);
  let [bodyFrom, bodyTo] = [0, 0];
  const input: Codec<EchoRequest> = {
    schema: EchoRequestSchema,
    create: () => request,
    encode: write,
    decode(bytes, from, to) {
      body = bytes;
      bodyFrom = from;
      bodyTo = to;
      return request;
    },
  };
  const output: Codec<EchoResponse> = {
    schema: EchoResponseSchema,
    create: () => response,
    encode: write,
    decode: () => response,
  };
  function write(_message: unknown, writer: ByteWriter): void {
    const at = writer.reserve(bodyTo - bodyFrom);
    // A view of a few bytes costs more than all the rest.
    for (let byte = bodyFrom; byte < bodyTo; byte++) writer.buffer[at + byte - bodyFrom] = body[byte] ?? 0;
  }
  return withCodecs(input, output);
}

/** The same service: its codecs alone are others. */
function withCodecs(input: Codec<EchoRequest>, output: Codec<EchoResponse>): typeof EchoHandler {
  const methods = { ...EchoHandler.methods, echo: { ...EchoHandler.methods["echo"], input, output } };
  return { ...EchoHandler, methods } as unknown as typeof EchoHandler;
}
