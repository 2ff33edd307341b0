export type { Group, GroupAdded, GroupAddOptions, GroupKey, GroupPushOptions, Member } from "./group.ts";
export { createGroups, type GroupsOptions } from "./groups.ts";
export { createInterest, type Interest } from "./interest.ts";
export { createMembership, type Membership } from "./membership.ts";
