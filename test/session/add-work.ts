import type { Mailbox, Work } from "../../src/session/index.ts";

/** Adds a work that is handed how it says that it is over. */
export function addWork(mailbox: Mailbox, begin: (done: () => void) => void): void {
  const work: Work = { begin: () => begin(() => mailbox.finished(work)) };
  mailbox.add(work);
}
