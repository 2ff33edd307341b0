import { create } from "@bufbuild/protobuf";
import { type Hello, HelloSchema, ProofSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Random } from "../clock/index.ts";
import { type Code, NanoError } from "../error/index.ts";
import { chunksFeature } from "./chunks.ts";
import { type FrameBody, type Peer, protocolVersion } from "./link.ts";
import { type End, prove, provenToken } from "./proof.ts";
import type { Roles } from "./roles.ts";

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
  /** Whether the peer is what it says. */
  readonly roles: Roles;
  /** The URIs of the certificate that the peer has shown; undefined: none. */
  readonly certificate: () => readonly string[] | undefined;
  /** Asked, by the side that was dialed, before the peer may take the link for open. Throws the reason where it may not. */
  readonly admit: (peer: Peer) => void;
  /** The name of the link with a peer that this side could go on with; 0n where there is none. */
  readonly former: (incarnation: bigint) => bigint;
  readonly send: (body: FrameBody) => void;
}

/** What two servers have said to each other. */
export interface Greeted {
  readonly peer: Peer;
  /** The name of the link that the stream carries; 0n where the peer cannot go on with one. */
  readonly link: bigint;
  /** Whether the link was there before, at both ends. */
  readonly resumed: boolean;
  /** Whether the peer puts chunks together. */
  readonly chunks: boolean;
}

// Said by who can go on with a link on another stream.
const resumeFeature = "resume";
const challengeBytes = 32;
const empty = new Uint8Array(0);

/**
 * How two servers come to know each other. Who dialed says Hello and is answered with one; where there are tokens it shows the proof first,
 * and is shown one: nobody learns anything of a token from a server that it has not convinced. A frontend that the cluster has not heard of yet waits for the
 * answer until it has.
 */
export class Greeting {
  readonly #options: GreetingOptions;
  readonly #challenge: Uint8Array;
  #hello: Hello | undefined;
  #link = 0n;
  /** Whom the cluster has not heard of yet, and the token that it has shown. */
  #waiting: { readonly hello: Hello; readonly token: string | undefined } | undefined;

  constructor(options: GreetingOptions) {
    this.#options = options;
    this.#challenge = options.tokens.length > 0 ? options.random.bytes(challengeBytes) : empty;
  }

  begin(): void {
    const { dialed, expected, former } = this.#options;
    if (!dialed) return;
    this.#link = expected ? former(expected.incarnation) : 0n;
    this.#sayHello();
  }

  /** Takes a frame; gives what was said when the link is open. Throws a NanoError where the link is refused. */
  take(body: FrameBody): Greeted | undefined {
    if (body.case === "hello" && !this.#hello) return this.#greeted(body.value);
    if (body.case === "proof" && this.#hello && !this.#waiting && this.#options.tokens.length > 0)
      return this.#shown(this.#hello, body.value.mac);
    throw refusal("failed_precondition", `a frame "${body.case}" before the link was open`);
  }

  /** Whether all was said, and the cluster has not heard of the peer. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Looks once more whether the cluster has heard of the peer. @param last Throws where it has not. */
  again(last: boolean): Greeted | undefined {
    return this.#waiting && this.#open(this.#waiting.hello, this.#waiting.token, last);
  }

  #greeted(hello: Hello): Greeted | undefined {
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
    if (!dialed) this.#link = this.#choose(hello);
    const [token] = tokens;
    if (token === undefined) return this.#open(hello, undefined);
    if (dialed) this.#prove(token, hello);
    else this.#sayHello();
    return undefined;
  }

  #shown(hello: Hello, mac: Uint8Array): Greeted | undefined {
    const { self, dialed, tokens } = this.#options;
    const token = provenToken(tokens, this.#challenge, { dialed: !dialed, prover: hello, verifier: self }, mac);
    if (token === undefined) throw refusal("unauthenticated", `${hello.id} has another token than ${self.id}`);
    return this.#open(hello, token);
  }

  /** The peer has shown what it can: the link is open, and the one that dialed is told so. @param token What it has shown. */
  #open(hello: Hello, token: string | undefined, last = this.#options.dialed): Greeted | undefined {
    const { dialed, roles, certificate } = this.#options;
    this.#waiting = undefined;
    if (roles.check(hello, certificate()) === "unknown") {
      if (last) throw roles.unknown(hello);
      this.#waiting = { hello, token };
      return undefined;
    }
    const greeted = this.#admitted(hello);
    if (dialed) return greeted;
    // With the token that the peer has shown: it need not know the others.
    if (token === undefined) this.#sayHello();
    else this.#prove(token, hello);
    return greeted;
  }

  // Both go on with a link, or neither does.
  #choose({ incarnation, link, features }: Hello): bigint {
    if (!features.includes(resumeFeature)) return 0n;
    if (link !== 0n && link === this.#options.former(incarnation)) return link;
    return new DataView(this.#options.random.bytes(8).buffer).getBigUint64(0);
  }

  #admitted(hello: Hello): Greeted {
    const { id, incarnation, types, frontend, schema, features } = hello;
    const peer: Peer = { id, incarnation, types, frontend, schema };
    const { dialed, admit } = this.#options;
    if (!dialed) admit(peer);
    return {
      peer,
      link: dialed ? hello.link : this.#link,
      resumed: hello.link !== 0n && hello.link === this.#link,
      chunks: features.includes(chunksFeature),
    };
  }

  #sayHello(): void {
    const { self, expected, send } = this.#options;
    const hello = create(HelloSchema, {
      ...self,
      types: [...self.types],
      protocolMin: protocolVersion,
      protocolMax: protocolVersion,
      features: [chunksFeature, resumeFeature],
      encodings: ["protobuf"],
      link: this.#link,
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
