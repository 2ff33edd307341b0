// Load tests: scenarios for `nano-bot`, or for `play` in a program of one's own.
export type { Bot, Repetition } from "./bot.ts";
export { type PlayOptions, play } from "./play.ts";
export { type CallReport, type Durations, describe, type PushReport, type Report, type Sample } from "./report.ts";
export { type Arrivals, type Scenario, type Stage, scenario, type Thresholds } from "./scenario.ts";
