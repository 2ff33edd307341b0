import type { Point } from "../point.ts";
import { callPoints } from "./call.ts";
import { doorPoints } from "./door.ts";
import { frontendPoints } from "./frontends.ts";
import { gatePoints } from "./gate.ts";
import { lifePoints } from "./life.ts";
import { recordPoints } from "./record.ts";
import { sessionPoints } from "./session.ts";

/** All points, in the order in which they are looked at. */
export const points: readonly Point[] = [
  ...recordPoints,
  ...doorPoints,
  ...callPoints,
  ...sessionPoints,
  ...frontendPoints,
  ...gatePoints,
  ...lifePoints,
];
