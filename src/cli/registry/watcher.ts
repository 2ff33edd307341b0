import { create } from "@bufbuild/protobuf";
import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { type Event, Event_EventType, EventSchema } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";
import type { Change } from "./history.ts";
import { isWithin, type KeyRange, keyRange } from "./key-range.ts";
import type { KeyStore } from "./key-store.ts";
import { responseHeader } from "./response-header.ts";

// Of one response, unless one revision alone has more.
const batchBytes = 1_048_576;
const batchRevisions = 1_000;

/** One watch: it reads the history from a revision on, as far as there is any. */
export class Watcher {
  readonly id: bigint;
  readonly wantsProgress: boolean;
  /** It has said something since this was set to false. */
  spoke = false;
  readonly #request: WatchCreateRequest;
  readonly #range: KeyRange;
  #next: bigint;

  /** @param next Its first revision, where the request has none. */
  constructor(id: bigint, request: WatchCreateRequest, next: bigint) {
    this.id = id;
    this.wantsProgress = request.progressNotify;
    this.#request = request;
    this.#range = watchedRange(request);
    this.#next = request.startRevision > 0n ? request.startRevision : next;
  }

  /** It has read all up to a revision. */
  hasRead(revision: bigint): boolean {
    return this.#next > revision;
  }

  /** What it says of the next revisions: one response, or the fragments of one. */
  read(store: KeyStore): readonly WatchResponse[] {
    if (this.hasRead(store.revision)) return [];
    if (this.#next < store.compacted) {
      return [create(WatchResponseSchema, { ...this.#header(0n), canceled: true, compactRevision: store.compacted })];
    }
    const events: Event[] = [];
    let bytes = 0;
    for (let left = batchRevisions; left > 0 && bytes < batchBytes && !this.hasRead(store.revision); left--, this.#next++) {
      for (const change of store.history.at(this.#next)) {
        const event = this.#seen(change);
        if (!event) continue;
        events.push(event);
        bytes += bytesOf(event);
      }
    }
    if (events.length === 0) return [];
    this.spoke = true;
    const batches = this.#request.fragment ? fragments(events) : [events];
    return batches.map((batch, at) =>
      create(WatchResponseSchema, { ...this.#header(this.#next - 1n), events: batch, fragment: at < batches.length - 1 }),
    );
  }

  #header(revision: bigint): Pick<WatchResponse, "header" | "watchId"> {
    return { header: responseHeader(revision), watchId: this.id };
  }

  #seen({ key, event }: Change): Event | undefined {
    if (!isWithin(this.#range, key)) return undefined;
    const { NOPUT, NODELETE } = WatchCreateRequest_FilterType;
    if (this.#request.filters.includes(event.type === Event_EventType.PUT ? NOPUT : NODELETE)) return undefined;
    if (this.#request.prevKv || !event.prevKv) return event;
    const { type, kv } = event;
    return create(EventSchema, { type, ...(kv ? { kv } : {}) });
  }
}

/** What a request watches. Without a key everything is meant that comes after a zero byte. */
export function watchedRange({ key, rangeEnd }: WatchCreateRequest): KeyRange {
  return keyRange(key.length === 0 ? new Uint8Array(1) : key, rangeEnd);
}

function fragments(events: readonly Event[]): Event[][] {
  const batches: Event[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const more = bytesOf(event);
    if (bytes + more > batchBytes) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(event);
    bytes += more;
  }
  return batches;
}

function bytesOf({ kv, prevKv }: Event): number {
  const [now, before] = [kv, prevKv].map((one) => (one ? one.key.length + one.value.length : 0));
  return (now ?? 0) + (before ?? 0);
}
