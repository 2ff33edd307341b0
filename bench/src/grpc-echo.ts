import type { ServiceDefinition } from "@grpc/grpc-js";

const same = (bytes: Buffer): Buffer => bytes;

/** The echo for grpc-js, which hands the bytes through: its codecs are not what is measured. */
export const grpcEcho = {
  echo: {
    path: "/bench.v1.EchoService/Echo",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} as const satisfies ServiceDefinition;
