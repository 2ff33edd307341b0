import { type CallContext, implement, type Service } from "nano-rpc";
import { AskRemote, DeskHandler } from "../schema/gen/ask/v1/ask_nano.ts";

/** A call as a server was asked it. */
export interface Asked {
  readonly server: string;
  readonly method: string;
  readonly word: string;
  readonly attempt: number;
  readonly body: Uint8Array;
  readonly ctx: CallContext;
}

/** What a server does before it answers; it may throw. */
export type Act = (asked: Asked) => unknown;

interface Question {
  readonly word: string;
  readonly body?: Uint8Array;
}

/** Services whose methods all do the same: tell the test, and answer with who and which attempt. */
export function askServices(server: string, act: Act): Service[] {
  async function answer(method: string, { word, body = new Uint8Array(0) }: Question, ctx: CallContext) {
    const { attempt } = ctx;
    const given = await act({ server, method, word, attempt, body, ctx });
    return { server, attempt, ...(given instanceof Uint8Array ? { body: given } : {}) };
  }
  const remote = implement(AskRemote, {
    tell: (request, ctx) => answer("tell", request, ctx),
    look: (request, ctx) => answer("look", request, ctx),
    set: (request, ctx) => answer("set", request, ctx),
    own: (request, ctx) => answer("own", request, ctx),
    ownLook: (request, ctx) => answer("ownLook", request, ctx),
  });
  const desk = implement(DeskHandler, {
    do: (request, ctx) => answer("do", request, ctx),
    see: (request, ctx) => answer("see", request, ctx),
    put: (request, ctx) => answer("put", request, ctx),
    stay: (request, ctx) => answer("stay", request, ctx),
    async enter({ word }, { session, attempt }) {
      if (word === "") await session.unbind();
      else await session.bind(word);
      return { server, attempt };
    },
  });
  return [remote, desk];
}

/** Never answers. */
export const never = (): Promise<never> => new Promise(() => {});
