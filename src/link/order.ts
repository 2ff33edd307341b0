import type { FrameBody } from "./link.ts";

/** Frames whose orders meet arrive in the order in which they were sent. 0 meets none. */
export type Order = number;

/** Frames without an order: they may overtake, and be overtaken. */
export const noOrder: Order = 0;

/** Pushes to groups and users: which sessions they concern is not known here, so they meet the pushes of each. */
export const allPushes: Order = -1;

/** Which groups a frontend has members of, and what is answered only when that is known. */
export const interestOrder: Order = -2;

/** What a frontend says of one of its sessions. */
export const messagesOf = (handle: number): Order => handle * 2;

/** What is said to a frontend for one of its sessions. */
export const pushesOf = (handle: number): Order => (handle === 0 ? noOrder : handle * 2 + 1);

/** The order of a frame; of an answer only who answers knows it. */
export function orderOf(body: FrameBody): Order {
  switch (body.case) {
    case "open":
    case "patch":
    case "end":
    case "forward":
    case "sessionEvent":
      return messagesOf(body.value.handle);
    case "push":
      return body.value.target.case === "handle" ? pushesOf(body.value.target.value) : allPushes;
    case "kick":
    case "bind":
    case "write":
    case "groupChange": {
      const by = body.value.session?.by;
      return by?.case === "handle" ? pushesOf(by.value) : allPushes;
    }
    case "interest":
      return interestOrder;
    default:
      return noOrder;
  }
}

/** Whether frames of two orders must not overtake each other. */
export function ordersMeet(one: Order, other: Order): boolean {
  if (one === noOrder || other === noOrder) return false;
  return one === other || (one === allPushes && isPush(other)) || (other === allPushes && isPush(one));
}

/** Orders that are held up, each as often as it was added. */
export class HeldOrders {
  readonly #times = new Map<Order, number>();
  #pushes = 0;

  add(order: Order): void {
    if (order !== noOrder) this.#count(order, 1);
  }

  remove(order: Order): void {
    if (order !== noOrder) this.#count(order, -1);
  }

  meets(order: Order): boolean {
    if (order === noOrder) return false;
    return this.#times.has(order) || (order === allPushes ? this.#pushes > 0 : isPush(order) && this.#times.has(allPushes));
  }

  #count(order: Order, times: 1 | -1): void {
    const before = this.#times.get(order) ?? 0;
    if (before + times === 0) this.#times.delete(order);
    else this.#times.set(order, before + times);
    if (isPush(order)) this.#pushes += times;
  }
}

function isPush(order: Order): boolean {
  return order % 2 !== 0;
}
