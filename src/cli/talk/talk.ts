import { type DescMessage, fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { reflectCodec } from "../../client/codegen.ts";
import { type Client, type ClientState, createClient, NanoError, type Transport } from "../../client/index.ts";
import type { Codec } from "../../contract/index.ts";
import { type AddressOptions, tapped, type Way, type Wire, waysTo } from "../../dial/index.ts";
import { CommandError } from "../command.ts";
import { type KnownRoute, learnRoutes, plainBook, type RouteBook } from "./route-book.ts";

/** How a conversation is opened. */
export interface TalkOptions extends AddressOptions {
  /** Undefined: protobuf where the server tells its schema, JSON otherwise. */
  readonly encoding: "json" | "protobuf" | undefined;
  /** The routes that the server has, where somebody knows them already; undefined: it is asked. */
  readonly book: RouteBook | undefined;
  /** What the handshake tells as `user`. */
  readonly user: JsonValue | undefined;
  readonly timeoutMs: number;
  /** Hears each packet, both ways. */
  readonly wire: Wire;
  /** Hears what is wrong and ends nothing. */
  readonly complain: (why: string) => void;
  /** Hears how the connection fares. */
  readonly state: (state: ClientState) => void;
}

/** A conversation with a server. */
export interface Talk {
  /** As "ws://127.0.0.1:3250". */
  readonly url: string;
  readonly encoding: "json" | "protobuf";
  readonly book: RouteBook;
  readonly client: Client;
  /** Asks, with JSON, and gives JSON. Rejects with a NanoError. */
  request(route: string, data: JsonValue | undefined, timeoutMs?: number): Promise<JsonValue>;
  /** Tells. Throws a NanoError. */
  notify(route: string, data: JsonValue | undefined): void;
  /** Hears a push, as JSON, until what it gives is called. */
  on(route: string, heard: (data: JsonValue) => void): () => void;
  /** Cuts the socket, as a bad network does. */
  drop(): void;
  close(): Promise<void>;
}

const anything: DescMessage = ValueSchema;

// A probe that is answered at all is answered soon.
const probeMs = 3_000;

/** Connects, by the first way that answers, and learns what the server tells of its routes. Throws a CommandError with what each way came to. */
export async function openTalk(address: string, options: TalkOptions): Promise<Talk> {
  const ways = waysOf(address, options);
  const failures: string[] = [];
  for (const way of ways) {
    const connectTimeoutMs = ways.length > 1 ? probeMs : options.timeoutMs;
    const client = clientOf(way.transport, options.encoding ?? (options.book ? "protobuf" : "json"), {
      ...options,
      connectTimeoutMs,
    });
    try {
      await client.connect();
    } catch (reason) {
      await client.close();
      failures.push(`${way.url}: ${NanoError.from(reason).message}`);
      continue;
    }
    return await learned(way, client, options);
  }
  const absent = failures.every((failure) => failure.includes("ECONNREFUSED"));
  const hint = absent ? "\nis the server running, and does it listen for clients there?" : "";
  throw new CommandError(`no connection\n  ${failures.join("\n  ")}${hint}`);
}

function waysOf(address: string, options: TalkOptions): readonly Way[] {
  try {
    return waysTo(address, options);
  } catch (reason) {
    throw new CommandError(reason instanceof Error ? reason.message : String(reason));
  }
}

async function learned(way: Way, first: Client, options: TalkOptions): Promise<Talk> {
  const book = options.book ?? (await learnRoutes(first, options.timeoutMs, options.complain));
  const encoding = options.encoding ?? (book ? "protobuf" : "json");
  if (!book && encoding === "protobuf") {
    await first.close();
    throw new CommandError(
      "the server does not tell its schema (reflection is off): protobuf cannot be read without; give --schema FOLDER, or leave --encoding out for JSON",
    );
  }
  const wired = tapped(way.transport, options.wire);
  const client = clientOf(wired.transport, encoding, { ...options, connectTimeoutMs: options.timeoutMs });
  // It was for learning.
  await first.close();
  client.onState(options.state);
  await client.connect();
  return conversation(way.url, encoding, client, book ?? plainBook, wired.drop);
}

function clientOf(
  transport: Transport,
  encoding: "json" | "protobuf",
  { user, timeoutMs, connectTimeoutMs }: TalkOptions & { readonly connectTimeoutMs: number },
): Client {
  const handshake = { platform: "nano-cli", ...(typeof user === "object" && user !== null ? { user } : {}) };
  // What is wrong is said where it was asked for.
  return createClient({ transport, encoding, handshake, timeoutMs, connectTimeoutMs, onError: () => {} });
}

function conversation(url: string, encoding: "json" | "protobuf", client: Client, book: RouteBook, drop: () => void): Talk {
  function known(route: string, kind: KnownRoute["kind"]): KnownRoute {
    const found = book.find(route);
    if (!found) throw new CommandError(`the server has no route ${route}: "routes" lists them`);
    if (book.known && found.kind !== kind) throw new CommandError(`${route} is a ${found.kind}`);
    return found;
  }

  function message(schema: DescMessage, data: JsonValue | undefined): Message {
    try {
      return fromJson(schema, data ?? {});
    } catch (reason) {
      throw new CommandError(`that is no ${schema.typeName}: ${reason instanceof Error ? reason.message : reason}`);
    }
  }

  return {
    ...{ url, encoding, book, client, drop },
    async request(route, data, timeoutMs) {
      const { input = anything, output = anything } = known(route, "request");
      const service = client.service<{ call(init: Message, options: object): Promise<Message> }>({
        ...{ codegen: 1, kind: "client", service: route },
        methods: { call: { kind: "request", route, input: codecOf(input), output: codecOf(output) } },
      });
      const answer = await service.call(message(input, data), timeoutMs === undefined ? {} : { timeoutMs });
      return toJson(output, answer);
    },
    notify(route, data) {
      const { input = anything } = known(route, "notify");
      const service = client.service<{ tell(init: Message): void }>({
        ...{ codegen: 1, kind: "client", service: route },
        methods: { tell: { kind: "notify", route, input: codecOf(input) } },
      });
      service.tell(message(input, data));
    },
    on(route, heard) {
      const { output = anything } = known(route, "push");
      const service = client.service<{ onPush(listener: (message: Message) => void): () => void }>({
        ...{ codegen: 1, kind: "client", service: route },
        methods: { push: { kind: "push", route, output: codecOf(output) } },
      });
      return service.onPush((push) => heard(toJson(output, push)));
    },
    close: () => client.close(),
  };
}

/** Messages that are only known here have no type of their own. */
function codecOf(schema: DescMessage): Codec<Message> {
  return reflectCodec(schema as GenMessage<Message>);
}
