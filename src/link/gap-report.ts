import { create } from "@bufbuild/protobuf";
import { GapSchema, type GroupName, type Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { FrameBody } from "./link.ts";

// Over this, all sessions are named at once.
const mostNames = 256;

/** To whom pushes were lost. */
export class GapReport {
  readonly #handles = new Set<number>();
  readonly #groups = new Map<string, GroupName>();
  readonly #users = new Set<string>();
  readonly #sessions = new Map<string, Uint8Array>();
  #all = false;

  add({ target }: Push): void {
    if (target.case === "handle") this.#handles.add(target.value);
    else if (target.case === "group") this.#groups.set(`${target.value.type}\n${target.value.name}`, target.value);
    else if (target.case === "users") for (const user of target.value.users) this.#users.add(user);
    else if (target.case === "session") this.#sessions.set(String(target.value.session), target.value.session);
    if (this.#names > mostNames) this.#all = true;
  }

  /** Handles mean nothing on another link: its frontend knows itself whose they were. */
  forgetHandles(): void {
    this.#handles.clear();
  }

  get empty(): boolean {
    return this.#names === 0;
  }

  get frame(): FrameBody {
    if (this.#all) return { case: "gap", value: create(GapSchema, { all: true }) };
    return {
      case: "gap",
      value: create(GapSchema, {
        handles: [...this.#handles],
        groups: [...this.#groups.values()],
        users: [...this.#users],
        sessions: [...this.#sessions.values()],
      }),
    };
  }

  get #names(): number {
    return this.#handles.size + this.#groups.size + this.#users.size + this.#sessions.size;
  }
}
