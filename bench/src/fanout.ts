import { implement, NanoError, type Service } from "nano-rpc";
import { FanoutHandler, FanoutPush } from "../gen/bench/v1/fanout_nano.ts";

/** What a push says: 24 bytes. */
export const tickText = "what everybody is to hear";

// Benchmarks ask for five; whoever asks for more holds up everybody else.
const mostPushes = 1_000;

/** Pushes to everybody who has joined. */
export function fanout(): Service {
  return implement(FanoutHandler, {
    async join(_request, { session, group }) {
      await group("everybody").add(session);
      return {};
    },
    burst({ pushes }, { group }) {
      if (pushes > mostPushes) throw new NanoError({ code: "invalid_argument", message: `at most ${mostPushes} pushes` });
      for (let number = 1; number <= pushes; number++) group("everybody").push(FanoutPush.ticked, { number, text: tickText });
      return {};
    },
    tick({ number, text }, { group }) {
      group("everybody").push(FanoutPush.ticked, { number, text });
      return {};
    },
  });
}
