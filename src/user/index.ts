export { createClaims } from "./claims.ts";
export { createUsers, type UsersOptions } from "./cluster-users.ts";
export { createLocations } from "./locations.ts";
export { createRivals } from "./rivals.ts";
export { type Claimed, createUserTable, type UserSession, type UserTable } from "./user-table.ts";
export type { UserGroup, Users } from "./users.ts";
