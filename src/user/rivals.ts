import { create } from "@bufbuild/protobuf";
import { ClaimSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import { ask, type Link } from "../link/index.ts";
import type { FormerSession } from "../session/index.ts";
import type { Binding } from "./binding.ts";

/** The sessions that users have left behind at other frontends. */
export interface Rivals {
  /** Ends one. While its frontend is out of reach this is tried again, though nobody waits for it: `timed_out`. */
  end(former: Binding, binding: Binding): Promise<FormerSession>;
  /** Ends whatever the user has at the frontends that can be reached: nobody knows where it was before. */
  announce(binding: Binding): Promise<FormerSession>;
}

/** What they are reached by. */
export interface RivalsOptions {
  readonly clock: Clock;
  /** Undefined: the cluster knows the server no more. Rejects where it is out of reach. */
  readonly linkTo: (incarnation: bigint) => Promise<Link> | undefined;
  /** Those that are linked. */
  readonly frontends: () => Iterable<Link>;
}

const answerMs = 5_000;
const againMs = 1_000;

/** Rivals of one frontend. */
export function createRivals({ clock, linkTo, frontends }: RivalsOptions): Rivals {
  async function claim(link: Link, { user, session, boundMs }: Binding, former: string): Promise<FormerSession> {
    const frame = { user, session: Buffer.from(session, "hex"), boundMs: BigInt(boundMs), former: Buffer.from(former, "hex") };
    const outcome = await ask(link, clock.now() + answerMs, (call) =>
      link.send({ case: "claim", value: create(ClaimSchema, { ...frame, call }) }),
    );
    const told = outcome.case === "bound" ? outcome.value.former : "";
    return told === "ended" || told === "timed_out" ? told : "none";
  }

  async function end(former: Binding, binding: Binding): Promise<FormerSession> {
    const link = linkTo(former.incarnation);
    // Its sessions have gone with it.
    if (!link) return "ended";
    try {
      return await claim(await link, binding, former.session);
    } catch {
      clock.after(againMs, () => void end(former, binding));
      return "timed_out";
    }
  }

  return {
    end,
    async announce(binding) {
      const told = await Promise.all([...frontends()].map((link) => claim(link, binding, "").catch(() => "none" as const)));
      return told.find((one) => one === "timed_out") ?? told.find((one) => one === "ended") ?? "none";
    },
  };
}
