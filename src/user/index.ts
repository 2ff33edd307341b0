export type { UserGroup, Users } from "./users.ts";
