export { type Group, type GroupKey, groupKeyText, type GroupPushOptions, type Member } from "./group.ts";
