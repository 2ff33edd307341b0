import { NanoError } from "../error/index.ts";

/** Why somebody may not call a method, if so. */
export function accessRefusal(
  access: "bound" | "public",
  needed: readonly string[],
  user: string | undefined,
  roles: readonly string[],
): NanoError | undefined {
  if (access === "bound" && user === undefined) {
    return new NanoError({ code: "unauthenticated", message: "the session is not bound to a user: log in first" });
  }
  if (needed.length > 0 && !needed.some((role) => roles.includes(role))) {
    return new NanoError({ code: "permission_denied", message: `the method asks for the role ${needed.join(" or ")}` });
  }
  return undefined;
}
