import type { Etcd3, IOptions } from "etcd3";
import type { Clock } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { EtcdOptions } from "./etcd.ts";
import { isStaleToken, tokenRefused } from "./etcd-error.ts";

/** What is loaded only where etcd is used. */
export interface EtcdLibrary {
  readonly Etcd3: typeof Etcd3;
  readonly noop: NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;
  readonly watchBackoff: NonNullable<NonNullable<IOptions["faultHandling"]>["watchBackoff"]>;
}

/** How etcd is reached, whole. */
export type EtcdConnection = Omit<EtcdOptions, "endpoints"> & {
  readonly endpoints: readonly string[];
  readonly callTimeoutMs: number;
};

type CallOptions = Exclude<
  ReturnType<Extract<NonNullable<IOptions["defaultCallOptions"]>, (...args: never) => unknown>>,
  undefined
>;
type Interceptor = NonNullable<CallOptions["interceptors"]>[number];

// etcd refuses pings more often than every 5 s.
const pingMs = 6_000;
const pingTimeoutMs = 3_000;

/**
 * One endpoint of etcd: a connection that is replaced when it does not answer, and a token that is asked for anew when it is not valid any more.
 * Both are ours. The library gives up a connection that never comes about after minutes or not at all; it logs in over connections that it
 * does not close, keeps a token when users were changed, and asks for another over and over where none is taken.
 */
export class EtcdEndpoint {
  readonly #library: EtcdLibrary;
  readonly #address: string;
  readonly #options: EtcdConnection;
  readonly #clock: Clock;
  #client: Etcd3 | undefined;
  #connections = 0;
  #login: Promise<void> | undefined;
  #token = "";
  #closed = false;

  constructor(library: EtcdLibrary, address: string, options: EtcdConnection, clock: Clock) {
    this.#library = library;
    this.#address = address;
    this.#options = options;
    this.#clock = clock;
  }

  get client(): Etcd3 {
    if (this.#closed) throw new NanoError({ code: "canceled", message: "the connection to etcd was closed" });
    this.#client ??= this.#create();
    return this.#client;
  }

  /** When a call that begins now is over. */
  deadline(): Date {
    return new Date(this.#clock.wallNow() + this.#options.callTimeoutMs);
  }

  /** Runs a call, logged in; once more, after another login, where the token was refused: etcd has done nothing then. */
  async call<T>(run: (client: Etcd3) => PromiseLike<T>): Promise<T> {
    const login = this.#loggedIn();
    await login;
    try {
      return await run(this.client);
    } catch (reason) {
      if (this.#options.username === undefined || !isStaleToken(reason)) throw reason;
      // Others may have found out at the same time.
      if (this.#login === login) this.#login = undefined;
      await this.#loggedIn();
      return run(this.client);
    }
  }

  /** The next call connects anew, unless that has happened since. */
  replace(silent: Etcd3): void {
    if (this.#client !== silent) return;
    this.#client = undefined;
    this.#login = undefined;
    silent.close();
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
  }

  #loggedIn(): Promise<void> {
    this.#login ??= this.#logIn();
    return this.#login;
  }

  async #logIn(): Promise<void> {
    const { username, password = "" } = this.#options;
    if (username === undefined) return;
    this.#token = "";
    try {
      const { token } = await this.client.auth.authenticate({ name: username, password }, { deadline: this.deadline() });
      this.#token = token;
    } catch (reason) {
      // An etcd that was emptied knows no users, and asks for none.
      if (reason instanceof Error && reason.message.includes("authentication is not enabled")) return;
      this.#login = undefined;
      throw reason;
    }
  }

  #create(): Etcd3 {
    const { Etcd3, noop, watchBackoff } = this.#library;
    const { tls } = this.#options;
    const withToken: Interceptor = (options, next) => {
      const call = next(options);
      const start = call.start.bind(call);
      call.start = (metadata, listener) => {
        if (this.#token !== "") metadata.set("token", this.#token);
        start(metadata, {
          onReceiveMetadata: (received) => listener?.onReceiveMetadata?.(received),
          onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
          onReceiveStatus: (status) => listener?.onReceiveStatus?.({ ...status, details: refusedToken(status.details) }),
        });
      };
      return call as ReturnType<Interceptor>;
    };
    return new Etcd3({
      hosts: /^https?:\/\//.test(this.#address) ? this.#address : `${tls ? "https" : "http"}://${this.#address}`,
      ...(tls ? { credentials: pem(tls) } : {}),
      defaultCallOptions: ({ isStream }) => ({
        ...(isStream ? {} : { deadline: this.deadline() }),
        interceptors: [withToken],
      }),
      faultHandling: { global: noop, host: () => noop, watchBackoff },
      grpcOptions: {
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1_000,
        "grpc.keepalive_time_ms": pingMs,
        "grpc.keepalive_timeout_ms": pingTimeoutMs,
        // What the environment says of the web is not meant for etcd.
        "grpc.enable_http_proxy": 0,
        // Clients of like options share a connection: one that replaces another must not get the same.
        "grpc.primary_user_agent": `nano/${++this.#connections}`,
      },
    });
  }
}

/** The library would call again at once, for as long as the token is not another: it must not know these words. */
function refusedToken(details: string): string {
  return details.replace("invalid auth token", tokenRefused);
}

function pem({ ca, cert, key }: NonNullable<EtcdOptions["tls"]>): NonNullable<IOptions["credentials"]> {
  return {
    rootCertificate: Buffer.from(ca),
    ...(key === undefined ? {} : { privateKey: Buffer.from(key) }),
    ...(cert === undefined ? {} : { certChain: Buffer.from(cert) }),
  };
}
