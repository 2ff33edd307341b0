import { create } from "@bufbuild/protobuf";
import { implement, type Lifecycle, NanoError, type Server, type Service } from "nano-rpc";
import { OtherHandler, PlayHandler, PlayPush, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { BrokenSchema } from "../schema/gen/play/v1/play_pb.ts";

/** What a play server has seen, for a test to look at. */
export interface Seen {
  readonly numbers: number[];
  /** Why sessions closed, by their ids. */
  readonly closed: string[];
  /** What ended contexts failed with. */
  readonly late: string[];
  server: Server | undefined;
}

/** The services of a play server. `wait` gives a promise on the test's clock. */
export function playServices(
  wait: (ms: number) => Promise<void>,
  life: Lifecycle = {},
): { readonly services: Service[]; readonly seen: Seen } {
  const seen: Seen = { numbers: [], closed: [], late: [], server: undefined };
  const id = (): string => seen.server?.id ?? "";
  const play = implement(PlayHandler, {
    ...life,
    init(server) {
      seen.server = server;
      return life.init?.(server);
    },
    async enter({ user, roles }, { session }) {
      const { former } = await session.bind(user, { roles });
      session.onClose((reason) => void seen.closed.push(`${user} ${reason.kind}`));
      return { former, server: id() };
    },
    async wait({ ms, text }, { session }) {
      await wait(ms);
      try {
        session.push(PlayPush.told, { text: `after ${text}` });
      } catch (reason) {
        seen.late.push(NanoError.from(reason).code);
      }
      return { text, server: id() };
    },
    async float({ ms, text }) {
      await wait(ms);
      return { text };
    },
    fail({ how }) {
      switch (how) {
        case "detail":
          throw new NanoError({
            code: "failed_precondition",
            message: "broken",
            detail: create(BrokenSchema, { part: "wheel" }),
          });
        case "aborted":
          throw new NanoError({ code: "aborted", message: "given up" });
        case "other":
          throw new NanoError({ code: "not_found", message: "nothing there" });
        case "never":
          return new Promise(() => {});
        case "nothing":
          // A handler in JavaScript may do so.
          return undefined as never;
        case "async":
          return Promise.reject(new Error("secret text"));
        default:
          throw new Error("secret text");
      }
    },
    keep: ({ number }) => void seen.numbers.push(number),
    kept: () => ({ numbers: [...seen.numbers] }),
    home: () => ({ server: id() }),
    async note({ note, coins }, { session }) {
      await session.patch({ note, coins });
      return { note: session.data.note, coins: session.data.coins };
    },
    rule: () => ({}),
    tell({ times }, { session }) {
      for (let at = 1; at <= times; at++) session.push(PlayPush.told, { text: `${at}` });
      return {};
    },
  });
  const who = implement(WhoRemote, {
    any: (_request, { caller }) => ({ server: id(), caller: caller.id }),
    owner: () => ({ server: id() }),
    break({ how }) {
      if (how === "never") return new Promise(() => {});
      throw new NanoError({ code: "failed_precondition", message: "broken", detail: create(BrokenSchema, { part: how }) });
    },
  });
  return { services: [play, who], seen };
}

/** The services of a server of the second type: what it is told stands in `numbers`, too. */
export function otherServices(numbers: number[], wait: () => Promise<void>): Service[] {
  return [
    implement(OtherHandler, {
      async put({ number }) {
        await wait();
        numbers.push(number);
      },
    }),
  ];
}
