import { NanoError } from "../error/index.ts";

/** Messages that wait for a connection, in order. */
export interface Outbox {
  has(id: number): boolean;
  /** @param id Of a request; 0 for a notify. Throws `resource_exhausted` when it is full. */
  add(id: number, send: () => void): void;
  /** Adds what was sent before, to go first; there is always room for it. */
  addFirst(again: readonly Waiting[]): void;
  /** Forgets a request that was given up. */
  remove(id: number): void;
  /** What is there now waits for `flush`. */
  hold(): void;
  /** Sends all that was added since `hold`. */
  flushLater(): void;
  /** Sends all. */
  flush(): void;
  /** Sends nothing, and fails all. */
  fail(reason: NanoError): void;
  /** Forgets all, without a word. */
  clear(): void;
}

/** One of them. */
interface Waiting {
  readonly id: number;
  readonly send: () => void;
}

/** @param failed Hears what could not be sent, with the request's id, or 0. */
export function createOutbox(maxMessages: number, failed: (id: number, reason: unknown) => void): Outbox {
  let held: readonly Waiting[] = [];
  let waiting: Waiting[] = [];

  // As it is nearly always, and asked for with each answer.
  const isEmpty = (): boolean => held.length + waiting.length === 0;

  function take(): readonly Waiting[] {
    const taken = [...held, ...waiting];
    held = [];
    waiting = [];
    return taken;
  }

  function sendAll(messages: readonly Waiting[]): void {
    for (const { id, send } of messages) {
      try {
        send();
      } catch (reason) {
        failed(id, reason);
      }
    }
  }

  return {
    has: (id) => !isEmpty() && [held, waiting].some((part) => part.some((one) => one.id === id)),
    add(id, send) {
      if (held.length + waiting.length >= maxMessages) {
        throw new NanoError({ code: "resource_exhausted", message: `${maxMessages} messages wait for the connection already` });
      }
      waiting.push({ id, send });
    },
    addFirst(again) {
      waiting = [...again, ...waiting];
    },
    remove(id) {
      if (isEmpty()) return;
      held = held.filter((one) => one.id !== id);
      waiting = waiting.filter((one) => one.id !== id);
    },
    hold() {
      held = take();
    },
    flushLater() {
      const later = waiting;
      waiting = [];
      sendAll(later);
    },
    flush: () => sendAll(take()),
    fail(reason) {
      for (const { id } of take()) failed(id, reason);
    },
    clear: () => void take(),
  };
}
