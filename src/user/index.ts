export { createUserTable, type UserSession, type UserTable } from "./user-table.ts";
export type { UserGroup, Users } from "./users.ts";
