import type { DescEnum } from "@bufbuild/protobuf";

/** Whether a number is one of an enum, as an expression: "(value >= 0 && value <= 3) || value === 7". */
export function isKnownNumber({ values }: DescEnum, value: string): string {
  const numbers = [...new Set(values.map(({ number }) => number))].sort((one, other) => one - other);
  const ranges: { readonly from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && last.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  const tests = ranges.map(({ from, to }) =>
    from === to ? `${value} === ${from}` : `(${value} >= ${from} && ${value} <= ${to})`,
  );
  return tests.join(" || ");
}
