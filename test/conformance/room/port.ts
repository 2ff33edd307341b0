import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Fault } from "./fault.ts";

/** Goes back to the caller with this code. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** One call: what came with it, and until when it may take. */
export interface Incoming {
  readonly metadata: Metadata;
  readonly deadline: Date | number;
}

/** Answers bytes with bytes. */
export type Answering = (body: Uint8Array, incoming: Incoming) => Promise<Uint8Array> | Uint8Array;

/** A method by its path, as "chat.v1.RoomService/Join". */
export interface Served {
  readonly path: string;
  /** Its calls are streams of one message. */
  readonly notify?: boolean;
  readonly answer: Answering;
}

/** Where frontends and servers call the room, by grpc-js. */
export class Port {
  readonly #server = new Server({ "grpc.max_receive_message_length": 1_048_576 });
  readonly #tokens: readonly string[];
  readonly #fault: Fault | undefined;

  constructor(tokens: readonly string[], fault: Fault | undefined) {
    this.#tokens = tokens;
    this.#fault = fault;
  }

  serve(methods: readonly Served[]): void {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const { path, notify = false, answer } of methods) {
      definition[path] = {
        path: `/${path}`,
        requestStream: notify,
        responseStream: false,
        requestSerialize: Buffer.from,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
        responseDeserialize: (bytes: Buffer) => bytes,
      };
      implementation[path] = notify ? this.#notify(answer) : this.#request(answer);
    }
    this.#server.addService(definition, implementation);
  }

  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(`127.0.0.1:${port}`);
      });
    });
  }

  /** Finishes what was begun. */
  finish(): Promise<void> {
    return new Promise((resolve) => void this.#server.tryShutdown(() => resolve()));
  }

  drop(): void {
    this.#server.forceShutdown();
  }

  #request(answer: Answering): handleUnaryCall<Uint8Array, Uint8Array> {
    return (call, done) => this.#answered(call, done, () => answer(call.request, incomingOf(call)));
  }

  #notify(answer: Answering) {
    return (call: ServerReadableStream<Uint8Array, Uint8Array>, done: sendUnaryData<Uint8Array>): void => {
      this.#answered(call, done, async () => {
        const bodies: Uint8Array[] = [];
        for await (const body of call) bodies.push(body as Uint8Array);
        const [body] = bodies;
        if (!body || (bodies.length > 1 && this.#fault !== "takes the first of many messages")) {
          throw new Refusal(status.INVALID_ARGUMENT, "a notify is a stream of one message");
        }
        return await answer(body, incomingOf(call));
      });
    };
  }

  #answered(
    call: { readonly metadata: Metadata },
    done: sendUnaryData<Uint8Array>,
    work: () => Promise<Uint8Array> | Uint8Array,
  ): void {
    const answering = async (): Promise<Uint8Array> => {
      this.#letIn(call.metadata);
      return await work();
    };
    answering().then(
      (body) => done(null, body),
      (reason: unknown) => {
        const known = reason instanceof Refusal;
        done({ code: known ? reason.code : status.INTERNAL, details: known ? reason.message : "", metadata: new Metadata() });
      },
    );
  }

  #letIn(metadata: Metadata): void {
    const [shown = ""] = metadata.get("authorization").map(String);
    const bearers = this.#tokens.map((token) => `Bearer ${token}`);
    const fits = (bearer: string): boolean =>
      this.#fault === "takes the beginning of a token" ? shown !== "" && bearer.startsWith(shown) : shown === bearer;
    if (bearers.length > 0 && !bearers.some(fits)) throw new Refusal(status.UNAUTHENTICATED, "no token of the cluster");
  }
}

function incomingOf(call: ServerUnaryCall<Uint8Array, Uint8Array> | ServerReadableStream<Uint8Array, Uint8Array>): Incoming {
  return { metadata: call.metadata, deadline: call.getDeadline() };
}
