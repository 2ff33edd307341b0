export { createClaims } from "./claims.ts";
export { createUsers, type UsersOptions } from "./cluster-users.ts";
export { createLocations } from "./locations.ts";
export { createRivals } from "./rivals.ts";
export { createUserGroups } from "./user-groups.ts";
export { type Claimed, createUserTable, type UserSession, type UserTable } from "./user-table.ts";
export type { UserGroup, UserGroupPushOptions, Users } from "./users.ts";
