// Load tests: scenarios for `nano-bot`, or for `play` in a program of one's own.
export type { Bot, FollowOptions, Repetition } from "./bot.ts";
export { type Feed, feed } from "./feed.ts";
export { type PlayOptions, play } from "./play.ts";
export {
  type CallReport,
  type CheckReport,
  type Durations,
  describe,
  type Figures,
  type PushReport,
  type Report,
  type Sample,
  type ServerSeries,
  type Verdict,
} from "./report.ts";
export { type Arrivals, type Once, type Scenario, type Stage, scenario } from "./scenario.ts";
export type { CallThresholds, Thresholds } from "./thresholds.ts";
