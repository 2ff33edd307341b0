import { NanoError } from "../error/index.ts";

const maxCharacters = 256;

/** Throws NanoError `invalid_argument` for a name that no user may have: names are keys, and travel as UTF-8. */
export function mustBeUser(user: string): void {
  if (user.length > 0 && user.length <= maxCharacters && user.isWellFormed()) return;
  throw new NanoError({
    code: "invalid_argument",
    message: `a user's name has 1 to ${maxCharacters} characters of Unicode: this one has ${user.length}`,
  });
}
