import { create } from "@bufbuild/protobuf";
import { type Hello, HelloSchema, ProofSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Random } from "../clock/index.ts";
import { type Code, NanoError } from "../error/index.ts";
import { type FrameBody, type Peer, protocolVersion } from "./link.ts";
import { type End, prove, provenToken } from "./proof.ts";

/** What a greeting needs to know. */
export interface GreetingOptions {
  readonly self: Peer;
  /** Whether this side opened the link. */
  readonly dialed: boolean;
  readonly random: Random;
  /** The first is shown, all are accepted. None: the peer must have none either. */
  readonly tokens: readonly string[];
  /** Whom this side meant to reach. */
  readonly expected: End | undefined;
  /** Asked, by the side that was dialed, before the peer may take the link for open. Throws the reason where it may not. */
  readonly admit: (peer: Peer) => void;
  readonly send: (body: FrameBody) => void;
}

const challengeBytes = 32;
const empty = new Uint8Array(0);

/**
 * How two servers come to know each other. Who dialed says Hello and is answered with one; where there are tokens it shows the proof first,
 * and is shown one: nobody learns anything of a token from a server that it has not convinced.
 */
export class Greeting {
  readonly #options: GreetingOptions;
  readonly #challenge: Uint8Array;
  #hello: Hello | undefined;

  constructor(options: GreetingOptions) {
    this.#options = options;
    this.#challenge = options.tokens.length > 0 ? options.random.bytes(challengeBytes) : empty;
  }

  begin(): void {
    if (this.#options.dialed) this.#sayHello();
  }

  /** Takes a frame; gives the peer when the link is open with it. Throws a NanoError where the link is refused. */
  take(body: FrameBody): Peer | undefined {
    if (body.case === "hello" && !this.#hello) return this.#greeted(body.value);
    if (body.case === "proof" && this.#hello && this.#options.tokens.length > 0) return this.#shown(this.#hello, body.value.mac);
    throw refusal("failed_precondition", `a frame "${body.case}" before the link was open`);
  }

  #greeted(hello: Hello): Peer | undefined {
    const { self, dialed, tokens, expected } = this.#options;
    const { id, incarnation, protocolMin: min, protocolMax: max, challenge, wanted } = hello;
    if (id === "" || incarnation === 0n) throw refusal("invalid_argument", "a Hello that names no server");
    if (incarnation === self.incarnation) throw refusal("failed_precondition", "a server that takes itself for another");
    if (min > protocolVersion || max < protocolVersion) {
      throw refusal("unimplemented", `${id} speaks the protocols ${min} to ${max}, ${self.id} speaks ${protocolVersion}`);
    }
    if (expected && (expected.id !== id || expected.incarnation !== incarnation)) {
      throw refusal("not_found", `${id} ${hex(incarnation)} is here, not ${expected.id} ${hex(expected.incarnation)}`);
    }
    if (wanted !== 0n && wanted !== self.incarnation) {
      throw refusal("not_found", `${self.id} ${hex(self.incarnation)} is here, not ${hex(wanted)}`);
    }
    if (tokens.length > 0 && challenge.length === 0) {
      throw refusal("unauthenticated", `${self.id} asks for a token, and ${id} has none: set cluster.tokens`);
    }
    if (tokens.length === 0 && challenge.length > 0) {
      throw refusal("unauthenticated", `${id} asks for a token, and ${self.id} has none: set cluster.tokens`);
    }
    this.#hello = hello;
    const [token] = tokens;
    if (token === undefined) {
      const peer = this.#admitted(hello);
      if (!dialed) this.#sayHello();
      return peer;
    }
    if (dialed) this.#prove(token, hello);
    else this.#sayHello();
    return undefined;
  }

  #shown(hello: Hello, mac: Uint8Array): Peer {
    const { self, dialed, tokens } = this.#options;
    const token = provenToken(tokens, this.#challenge, { dialed: !dialed, prover: hello, verifier: self }, mac);
    if (token === undefined) throw refusal("unauthenticated", `${hello.id} has another token than ${self.id}`);
    const peer = this.#admitted(hello);
    // With the token that the peer has shown: it need not know the others.
    if (!dialed) this.#prove(token, hello);
    return peer;
  }

  #admitted({ id, incarnation, types, frontend, schema }: Hello): Peer {
    const peer: Peer = { id, incarnation, types, frontend, schema };
    if (!this.#options.dialed) this.#options.admit(peer);
    return peer;
  }

  #sayHello(): void {
    const { self, expected, send } = this.#options;
    const hello = create(HelloSchema, {
      ...self,
      types: [...self.types],
      protocolMin: protocolVersion,
      protocolMax: protocolVersion,
      encodings: ["protobuf"],
      challenge: this.#challenge,
      wanted: expected?.incarnation ?? 0n,
    });
    send({ case: "hello", value: hello });
  }

  #prove(token: string, { id, incarnation, challenge }: Hello): void {
    const { self, dialed, send } = this.#options;
    const mac = prove(token, challenge, { dialed, prover: self, verifier: { id, incarnation } });
    send({ case: "proof", value: create(ProofSchema, { mac }) });
  }
}

function refusal(code: Code, message: string): NanoError {
  return new NanoError({ code, message });
}

function hex(incarnation: bigint): string {
  return incarnation.toString(16);
}
