import { type DescMessage, fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { reflectCodec } from "../../client/codegen.ts";
import { type Client, type ClientState, createClient, NanoError, type Transport } from "../../client/index.ts";
import type { Codec } from "../../contract/index.ts";
import { type AddressOptions, dialRemedy, tapped, type Way, type Wire, waysTo } from "../../dial/index.ts";
import { CommandError } from "../command.ts";
import { describeMessage } from "./describe.ts";
import type { ToldHandshake } from "./handshake.ts";
import { type KnownRoute, learnRoutes, plainBook, type RouteBook } from "./route-book.ts";

/** How a conversation is opened. */
export interface TalkOptions extends AddressOptions {
  /** Undefined: protobuf where the server tells its schema, JSON otherwise. */
  readonly encoding: "json" | "protobuf" | undefined;
  /** The routes that the server has, where somebody knows them already; undefined: it is asked. */
  readonly book: RouteBook | undefined;
  /** What the handshake tells, but for its encoding. */
  readonly told: ToldHandshake;
  readonly timeoutMs: number;
  /** Hears each packet, both ways. */
  readonly wire: Wire;
  /** Hears what is wrong and ends nothing. */
  readonly complain: (why: string) => void;
  /** Hears of notifies that were not handled. */
  readonly failed: (route: string, code: string, message: string) => void;
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

/**
 * Connects, and learns what the server tells of its routes. Of several ways all are tried at once, as one that nobody answers takes its time; the first
 * of their order that comes through is taken. Throws a CommandError with what each way came to.
 */
export async function openTalk(address: string, options: TalkOptions): Promise<Talk> {
  const ways = waysOf(address, options);
  const encoding = options.encoding ?? (options.book ? "protobuf" : "json");
  const connectTimeoutMs = ways.length > 1 ? probeMs : options.timeoutMs;
  const tries = ways.map((way) => {
    const client = clientOf(way.transport, encoding, { ...options, connectTimeoutMs });
    const failure = client.connect().then(() => undefined, NanoError.from);
    return { way, client, failure };
  });
  const failures: string[] = [];
  for (const { way, client, failure } of tries) {
    const failed = await failure;
    if (failed) failures.push(`${way.url}: ${failed.message}`);
    else {
      await closeAll(tries.filter((one) => one.client !== client));
      return await learned(way, client, options);
    }
  }
  await closeAll(tries);
  const remedy = dialRemedy(failures, address);
  throw new CommandError(
    ["no connection", ...failures.map((failure) => `  ${failure}`), ...(remedy === "" ? [] : [remedy])].join("\n"),
  );
}

async function closeAll(tries: readonly { readonly client: Client }[]): Promise<void> {
  await Promise.all(tries.map(({ client }) => client.close()));
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
  client.onFailed(({ route, code, message }) => options.failed(route, code, message));
  await client.connect();
  return conversation(way.url, encoding, client, book ?? plainBook, wired.drop);
}

function clientOf(
  transport: Transport,
  encoding: "json" | "protobuf",
  { told, timeoutMs, connectTimeoutMs }: TalkOptions & { readonly connectTimeoutMs: number },
): Client {
  const { serializer: _, platform, clientVersion: version, ...sys } = told.sys;
  const handshake = {
    sys,
    ...(platform !== undefined ? { platform } : {}),
    ...(version !== undefined ? { version } : {}),
    ...(told.user ? { user: told.user } : {}),
  };
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
      const why = (reason instanceof Error ? reason.message : `${reason}`).replace(/^cannot decode message \S+ from JSON: /, "");
      throw new CommandError(`that is no ${schema.typeName}: ${why}; it is ${describeMessage(schema)}`);
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
