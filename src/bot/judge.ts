import { type Figures, formatMs, sum, type Verdict } from "./report.ts";
import { type Relation, type Subject, subjects, type Threshold } from "./thresholds.ts";

/** What came of each threshold. A run that nobody came into has failed, whatever was asked of it. */
export function judge(figures: Figures, thresholds: readonly Threshold[]): readonly Verdict[] {
  const verdicts = thresholds.flatMap((threshold) => {
    // Checks are judged where there are any.
    if (threshold.subject === "checks" && figures.checks.length === 0) return [];
    return [verdict(figures, threshold)];
  });
  const came = figures.answered > 0;
  return [{ threshold: "somebody comes in", holds: came, words: came ? "somebody came in" : "nobody came in" }, ...verdicts];
}

function verdict(figures: Figures, { subject, route, relation, limit }: Threshold): Verdict {
  const name = route === undefined ? subject : `${subject}(${route})`;
  const asked = formatted(subject, limit);
  const threshold = `${name} ${relation} ${asked}`;
  const seen = see(figures, subject, route);
  if (typeof seen === "string") return { threshold, holds: false, words: seen };
  const holds = held(seen.value, relation, limit);
  return { threshold, holds, words: holds ? seen.words : `${seen.words}, ${missed[relation]} ${asked}` };
}

const missed: Readonly<Record<Relation, string>> = {
  ...{ "<": "not less than", "<=": "more than", "=": "not", ">=": "less than", ">": "not more than" },
};

function held(value: number, relation: Relation, limit: number): boolean {
  if (relation === "<") return value < limit;
  if (relation === "<=") return value <= limit;
  if (relation === "=") return value === limit;
  return relation === ">=" ? value >= limit : value > limit;
}

/** What was seen; as a text where nothing was, and why that is. */
function see(
  figures: Figures,
  subject: Subject,
  route: string | undefined,
): string | { readonly value: number; readonly words: string } {
  const of = route === undefined ? "" : ` of ${route}`;
  const share = (part: number, whole: number, words: (share: string) => string) => ({
    value: part / whole,
    words: words(percent(part / whole)),
  });
  switch (subject) {
    case "errors": {
      const { answered, failed } = route === undefined ? figures : (callsOf(figures, route) ?? { answered: 0, failed: 0 });
      if (route !== undefined && answered + failed === 0) return `errors${of} are unknown: nobody called it`;
      return share(failed, Math.max(1, answered + failed), (text) => `${text} of the calls${of} failed`);
    }
    case "delivered": {
      const expected = sum(figures.pushes.map((push) => push.expected));
      const came = sum(figures.pushes.filter((push) => push.expected > 0).map((push) => push.came));
      if (expected === 0) return "no push was expected, so none could be delivered";
      return share(came, expected, (text) => `${text} of the expected pushes came (${came} of ${expected})`);
    }
    case "duplicates": {
      const twice = sum(figures.pushes.map((push) => push.duplicates));
      return { value: twice, words: `${twice} pushes came twice` };
    }
    case "resumed": {
      if (figures.drops === 0) return "no connection broke, so none could be resumed";
      const back = (figures.returns["resume"] ?? 0) + (figures.returns["moved"] ?? 0);
      return share(
        back,
        figures.drops,
        (text) => `${text} of the connections that broke were resumed (${back} of ${figures.drops})`,
      );
    }
    case "checks": {
      const failed = figures.checks.filter((check) => check.failed > 0);
      const all = sum(figures.checks.map((check) => check.held + check.failed));
      const holding = sum(figures.checks.map((check) => check.held));
      const which = failed.length === 0 ? "" : ` (not: ${failed.map(({ what }) => what).join("; ")})`;
      return share(holding, all, (text) => `${text} of the checks held${which}`);
    }
    case "push_p99": {
      const seen = figures.pushes.filter((push) => push.maxMs > 0);
      if (seen.length === 0) return "push_p99 is unknown: no push came whose time is known";
      const value = Math.max(...seen.map((push) => push.p99Ms));
      return { value, words: `push_p99 is ${formatMs(value)}` };
    }
    default: {
      const durations = route === undefined ? figures.all : callsOf(figures, route);
      if (!durations || durations.maxMs === 0) return `${subject}${of} is unknown: no call was answered`;
      const value = durations[`${subject}Ms`];
      return { value, words: `${subject}${of} is ${formatMs(value)}` };
    }
  }
}

function callsOf(figures: Figures, route: string) {
  return figures.calls.find((call) => call.route === route);
}

function formatted(subject: Subject, limit: number): string {
  if (subjects[subject] === "ms") return formatMs(limit);
  return subjects[subject] === "share" ? percent(limit) : `${limit}`;
}

// Rounded, 99.996 of a hundred would read as all of them.
function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}
