import { median, ratio } from "../table.ts";
import { type EchoCase, type Effort, type Measured, measure, type Side } from "./echo-cases.ts";

/** The same load on servers that differ in one thing. */
export interface Sides {
  /** What the others are compared with. */
  readonly base: { readonly name: string; readonly side: Side };
  readonly others: readonly { readonly name: string; readonly side: Side }[];
}

/** Measures all sides in turn, and each as often first as last. Ratios are of the base: below 1 where another does less, or takes more CPU. */
export async function measureSides(
  one: Pick<EchoCase, "name" | "over" | "inflight">,
  { base, others }: Sides,
  effort: Effort,
): Promise<Readonly<Record<string, unknown>>> {
  const all = [base, ...others];
  const measured = new Map<Side, Measured[]>(all.map(({ side }) => [side, []]));
  for (let round = 0; round < effort.rounds; round++) {
    for (const { side } of round % 2 === 0 ? all : all.toReversed()) {
      measured.get(side)?.push(await measure(one, side, false, effort));
    }
  }
  const of = (side: Side, field: keyof Measured): number => median((measured.get(side) ?? []).map((each) => each[field]));
  const compared = others.map(({ name, side }) => ({
    [`${name}/s`]: of(side, "perSecond"),
    [`${name} ratio`]: ratio(of(side, "perSecond"), of(base.side, "perSecond")),
    [`${name} us`]: Number(of(side, "cpuUs").toFixed(2)),
    [`${name} cpu ratio`]: ratio(of(base.side, "cpuUs"), of(side, "cpuUs")),
  }));
  return {
    what: one.name,
    inflight: one.inflight,
    [`${base.name}/s`]: of(base.side, "perSecond"),
    [`${base.name} us`]: Number(of(base.side, "cpuUs").toFixed(2)),
    ...Object.assign({}, ...compared),
  };
}
