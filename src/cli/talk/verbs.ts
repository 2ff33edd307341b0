import { callingVerbs } from "./calling.ts";
import { clusterVerbs } from "./cluster-verbs.ts";
import { expectingVerbs } from "./expecting.ts";
import { sessionVerbs } from "./sessions.ts";
import { showingVerbs } from "./showing.ts";
import type { Verb } from "./verb.ts";

/** All that can be typed, but for `help` and `exit`. */
export const verbs: readonly Verb[] = [...sessionVerbs, ...callingVerbs, ...expectingVerbs, ...showingVerbs, ...clusterVerbs];
