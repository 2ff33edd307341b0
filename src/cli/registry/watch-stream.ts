import { create } from "@bufbuild/protobuf";
import {
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import type { Clock, Timer } from "../../clock/index.ts";
import { refusal } from "./etcd-refusal.ts";
import type { KeyStore } from "./key-store.ts";
import type { Quota } from "./quota.ts";
import { responseHeader } from "./response-header.ts";
import { Signal } from "./signal.ts";
import { Watcher, watchedRange } from "./watcher.ts";

/** What the streams of watches share. */
export interface WatchStreamOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  readonly quota: Quota;
}

const progressMs = 600_000;
// Of a client that asks, and does not listen.
const mostRequests = 64;

/**
 * The watches of one stream. Nothing is queued for a slow client: each watch reads on in the history when what it has said before is taken, and is
 * canceled where the history does not reach back to it any more.
 */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #watchers = new Map<bigint, Watcher>();
  readonly #requests: WatchRequest[] = [];
  readonly #changed = new Signal();
  readonly #taken = new Signal();
  readonly #stopListening: () => void;
  #nextId = 0n;
  #progress: Timer | undefined;
  #progressIsDue = false;
  #over: { readonly reason: unknown } | undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#stopListening = options.store.onChange(() => this.#changed.notify());
  }

  /** Takes what the client asks for; whoever has nothing more to ask still listens. Never rejects. */
  async hear(requests: AsyncIterable<WatchRequest>): Promise<void> {
    try {
      for await (const request of requests) {
        this.#requests.push(request);
        this.#changed.notify();
        while (this.#requests.length >= mostRequests && !this.#over) await this.#taken.wait();
      }
    } catch (reason) {
      this.breakOff(reason);
    }
  }

  /** Says nothing more, but why. */
  breakOff(reason: unknown): void {
    this.#over ??= { reason };
    this.#changed.notify();
    this.#taken.notify();
  }

  /** What the client is told, for as long as it listens. */
  async *say(): AsyncIterable<WatchResponse> {
    try {
      while (!this.#over) {
        const request = this.#requests.shift();
        this.#taken.notify();
        if (request) yield* this.#answer(request);
        yield* this.#changes();
        if (this.#requests.length > 0 || this.#isBehind(this.#options.store.revision)) continue;
        yield* this.#dueProgress();
        await this.#changed.wait();
      }
      throw this.#over.reason;
    } finally {
      this.#close();
    }
  }

  #isBehind(revision: bigint): boolean {
    return [...this.#watchers.values()].some((watcher) => !watcher.hasRead(revision));
  }

  *#answer({ requestUnion: request }: WatchRequest): Iterable<WatchResponse> {
    switch (request.case) {
      case "createRequest":
        yield this.#create(request.value);
        break;
      case "cancelRequest":
        if (!this.#forget(request.value.watchId)) break;
        yield this.#response({ watchId: request.value.watchId, canceled: true });
        break;
      case "progressRequest": {
        // True of all: whoever is behind says first what it has missed.
        const { revision } = this.#options.store;
        while (this.#isBehind(revision)) yield* this.#changes();
        yield this.#response({ watchId: -1n, header: responseHeader(revision) });
      }
    }
  }

  *#changes(): Iterable<WatchResponse> {
    for (const watcher of this.#watchers.values()) {
      for (const response of watcher.read(this.#options.store)) {
        if (response.canceled) this.#forget(watcher.id);
        yield response;
      }
    }
  }

  *#dueProgress(): Iterable<WatchResponse> {
    if (!this.#progressIsDue) return;
    this.#progressIsDue = false;
    for (const watcher of this.#watchers.values()) {
      if (watcher.wantsProgress && !watcher.spoke) yield this.#response({ watchId: watcher.id });
      watcher.spoke = false;
    }
  }

  #create(request: WatchCreateRequest): WatchResponse {
    const refused = (cancelReason: string): WatchResponse =>
      this.#response({ watchId: -1n, created: true, canceled: true, cancelReason });
    const { from, to } = watchedRange(request);
    if (to !== undefined && from >= to) return refused("mvcc: watcher range is empty");
    if (this.#watchers.has(request.watchId) && request.watchId !== 0n) {
      return refused("mvcc: duplicate watch ID provided on the WatchStream");
    }
    if (!this.#options.quota.take()) return refused(refusal("tooManyRequests").rawMessage);
    const watcher = new Watcher(
      request.watchId === 0n ? this.#newId() : request.watchId,
      request,
      this.#options.store.revision + 1n,
    );
    this.#watchers.set(watcher.id, watcher);
    if (watcher.wantsProgress) {
      this.#progress ??= this.#options.clock.every(progressMs, () => {
        this.#progressIsDue = true;
        this.#changed.notify();
      });
    }
    return this.#response({ watchId: watcher.id, created: true });
  }

  #newId(): bigint {
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #forget(id: bigint): boolean {
    const was = this.#watchers.delete(id);
    if (was) this.#options.quota.giveBack();
    return was;
  }

  #response(more: { readonly watchId: bigint } & Partial<Omit<WatchResponse, "$typeName">>): WatchResponse {
    return create(WatchResponseSchema, { header: responseHeader(this.#options.store.revision), ...more });
  }

  #close(): void {
    // Whoever hears the client waits for its requests to be taken.
    this.breakOff(undefined);
    this.#stopListening();
    this.#progress?.cancel();
    for (const id of [...this.#watchers.keys()]) this.#forget(id);
  }
}
