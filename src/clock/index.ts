export { type Clock, sleep, type Timer, within } from "./clock.ts";
export { createDeadlineSweep, type DeadlineSweep, type Due, sharedDeadlineSweep } from "./deadlines.ts";
export { type Random, seededRandom, systemRandom, toHex } from "./random.ts";
export { ReadClock } from "./read-clock.ts";
export { createStoppableClock, type StoppableClock } from "./stoppable-clock.ts";
export { systemClock } from "./system-clock.ts";
export { type Timed, TimerHeap } from "./timer-heap.ts";
export { turn } from "./turn.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
