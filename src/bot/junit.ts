import type { Report } from "./report.ts";

/** A report as JUnit's XML, as CI systems read it: a case for each threshold. */
export function junitOf({ scenario, verdicts, breaches, durationMs, began }: Report): string {
  const seconds = (durationMs / 1_000).toFixed(3);
  const suite = `name="${text(scenario)}" tests="${verdicts.length}" failures="${breaches.length}" errors="0" skipped="0"`;
  const cases = verdicts.map(({ threshold, holds, words }) => {
    const head = `    <testcase name="${text(threshold)}" classname="${text(scenario)}" time="${seconds}"`;
    return holds ? `${head}/>` : `${head}>\n      <failure message="${text(words)}"/>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${verdicts.length}" failures="${breaches.length}" time="${seconds}">`,
    `  <testsuite ${suite} time="${seconds}" timestamp="${text(began)}">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

/** XML knows five signs, and takes no others below the space. */
function text(words: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML does not take
  const plain = words.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/g, "?");
  return plain.replace(/[&<>"\n]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
