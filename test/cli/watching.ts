import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type WatchRequest, WatchRequestSchema, type WatchResponse } from "../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import type { EtcdLike } from "./etcd-likes.ts";

type Request = NonNullable<MessageInitShape<typeof WatchRequestSchema>["requestUnion"]>;

/** One stream of watches. */
export interface Watching {
  ask(request: Request): void;
  /** The next response. Rejects after 10 s without. */
  next(): Promise<WatchResponse>;
  /** The client has nothing more to ask. */
  finish(): void;
  /** The client goes away. */
  abort(): void;
}

/** Opens a stream of watches. */
export function openWatching(to: EtcdLike): Watching {
  const requests: WatchRequest[] = [];
  let wake = (): void => {};
  let isFinished = false;
  const controller = new AbortController();
  async function* asked(): AsyncIterable<WatchRequest> {
    while (!isFinished || requests.length > 0) {
      const request = requests.shift();
      if (request) yield request;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  const responses = to.watch.watch(asked(), { signal: controller.signal })[Symbol.asyncIterator]();
  const read = async (): Promise<WatchResponse> => {
    const { value, done } = await responses.next();
    if (done) throw new Error("the stream ended");
    return value;
  };
  return {
    ask(request) {
      requests.push(create(WatchRequestSchema, { requestUnion: request } as MessageInitShape<typeof WatchRequestSchema>));
      wake();
    },
    next() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error("no response for 10 s")), 10_000);
      });
      return Promise.race([read(), late]).finally(() => clearTimeout(timer));
    },
    finish() {
      isFinished = true;
      wake();
    },
    abort: () => controller.abort(),
  };
}
