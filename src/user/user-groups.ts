import type { Message } from "@bufbuild/protobuf";
import { type Random, toHex } from "../clock/index.ts";
import type { Init, Push } from "../contract/index.ts";
import { maxStoreBatch, type Store, type StoreWrite } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { type MustLive, mustBeUser, type Reach } from "../session/index.ts";
import type { UserGroup, UserGroupPushOptions, Users } from "./users.ts";

/** What groups of users are made of. */
export interface UserGroupsOptions {
  readonly store: () => Store;
  readonly random: Random;
  readonly users: (ids: readonly string[], mustLive: MustLive) => Users;
}

const maxNameCharacters = 256;
const longestTtlMs = 10 * 365 * 86_400_000;
const pageSize = 1_000;
// Others may create, renew and delete a group meanwhile; this often in a row they do not.
const mostTries = 8;

/** Groups of users as user code has them. Throws NanoError `invalid_argument` for a name or a time that none may have. */
export function createUserGroups(options: UserGroupsOptions): (name: string, ttlMs: number, mustLive: MustLive) => UserGroup {
  return (name, ttlMs, mustLive) => {
    if (name.length === 0 || name.length > maxNameCharacters || !name.isWellFormed()) {
      throw invalid(
        `the name of a group of users has 1 to ${maxNameCharacters} characters of Unicode: this one has ${name.length}`,
      );
    }
    mustBeTtl(ttlMs);
    return new StoredGroup(options, name, ttlMs, mustLive);
  };
}

/** A group that is there. Its members' keys are of this generation, so that what is left of one before means nothing. */
interface Head {
  readonly text: string;
  readonly generation: string;
  readonly lease: string;
  readonly ttlMs: number;
}

class StoredGroup implements UserGroup {
  readonly name: string;
  readonly #options: UserGroupsOptions;
  readonly #ttlMs: number;
  readonly #mustLive: MustLive;
  readonly #key: string;

  constructor(options: UserGroupsOptions, name: string, ttlMs: number, mustLive: MustLive) {
    this.name = name;
    this.#options = options;
    this.#ttlMs = ttlMs;
    this.#mustLive = mustLive;
    this.#key = `user-groups/${name}`;
  }

  async create(): Promise<boolean> {
    this.#mustLive();
    return (await this.#create()) !== undefined;
  }

  async add(...users: readonly string[]): Promise<void> {
    this.#mustLive();
    for (const batch of batches(users)) await this.#add(batch);
  }

  async remove(...users: readonly string[]): Promise<void> {
    this.#mustLive();
    const head = await this.#head();
    if (!head) return;
    for (const batch of batches(users)) {
      await this.#store.write(batch.map((user) => ({ key: memberKey(head, user), value: undefined })));
    }
  }

  async has(user: string): Promise<boolean> {
    this.#mustLive();
    mustBeUser(user);
    const head = await this.#head();
    if (!head) return false;
    const [value] = await this.#store.read([memberKey(head, user)]);
    return value !== undefined;
  }

  async count(): Promise<number> {
    this.#mustLive();
    const head = await this.#head();
    return head ? this.#store.count(memberKey(head, "")) : 0;
  }

  async members(): Promise<readonly string[]> {
    this.#mustLive();
    const head = await this.#head();
    if (!head) return [];
    const all: string[] = [];
    for await (const page of this.#pages(head)) all.push(...page);
    return all;
  }

  async renew(ttlMs = this.#ttlMs): Promise<void> {
    this.#mustLive();
    mustBeTtl(ttlMs);
    const head = await this.#head();
    if (!head) throw this.#notFound();
    if (head.ttlMs !== ttlMs) return this.#move(head, ttlMs);
    if (!(await this.#store.renew(head.lease))) throw this.#notFound();
  }

  async delete(): Promise<void> {
    this.#mustLive();
    const head = await this.#head();
    if (!head) return;
    // Without its head it is gone; its members' keys go with the lease.
    await this.#store.write([{ key: this.#key, value: undefined, where: { key: this.#key, value: head.text } }]);
    const after = await this.#head();
    if (after?.generation === head.generation) return this.delete();
    await this.#store.revoke(head.lease).catch((reason: unknown) => {
      if (NanoError.from(reason).code !== "not_found") throw reason;
    });
  }

  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: UserGroupPushOptions): Promise<Reach> {
    const reach = this.#hearing(options).then((users) => users.push(push, message));
    // Whoever does not wait for it must not end the process by that.
    reach.catch(() => {});
    return reach;
  }

  async deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: UserGroupPushOptions): Promise<Reach> {
    const users = await this.#hearing(options);
    return users.deliver(push, message);
  }

  get #store(): Store {
    return this.#options.store();
  }

  async #hearing({ except = [] }: UserGroupPushOptions = {}): Promise<Users> {
    const without = new Set(typeof except === "string" ? [except] : except);
    const members = await this.members();
    return this.#options.users(
      members.filter((user) => !without.has(user)),
      this.#mustLive,
    );
  }

  async #head(): Promise<Head | undefined> {
    const [text] = await this.#store.read([this.#key]);
    return decodeHead(text);
  }

  /** Undefined where it was there. */
  async #create(): Promise<Head | undefined> {
    const lease = await this.#store.lease(this.#ttlMs);
    const head = encodeHead(toHex(this.#options.random.bytes(8)), lease, this.#ttlMs);
    const where = { key: this.#key, value: undefined };
    const [written] = await this.#store.write([{ key: this.#key, value: head.text, lease, where }]);
    if (written?.done) return head;
    await this.#store.revoke(lease);
    return undefined;
  }

  async #add(users: readonly string[]): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) {
      const head = (await this.#head()) ?? (await this.#create());
      if (!head) continue;
      const where = { key: this.#key, value: head.text };
      const writes = users.map((user): StoreWrite => ({ key: memberKey(head, user), value: "", lease: head.lease, where }));
      try {
        const written = await this.#store.write(writes);
        if (written.every(({ done }) => done)) return;
      } catch (reason) {
        // Its time was over between the look and the write.
        if (NanoError.from(reason).code !== "not_found") throw reason;
      }
    }
    throw new NanoError({ code: "aborted", message: `the group of users "${this.name}" changes all the time` });
  }

  /** Gives the group another time: under another lease. Whoever dies on the way leaves it as it was. */
  async #move(head: Head, ttlMs: number): Promise<void> {
    const lease = await this.#store.lease(ttlMs);
    const next = encodeHead(head.generation, lease, ttlMs);
    await this.#hang(head, lease);
    const where = { key: this.#key, value: head.text };
    await this.#store.write([{ key: this.#key, value: next.text, lease, where }]);
    // Members may have come meanwhile under the lease before; and where somebody else was first, all belong under theirs.
    const now = await this.#head();
    if (now?.generation !== head.generation) throw this.#notFound();
    await this.#hang(now, now.lease);
  }

  async #hang(head: Head, lease: string): Promise<void> {
    for await (const page of this.#pages(head)) {
      for (const batch of batches(page)) {
        const writes = batch.map((user) => {
          const key = memberKey(head, user);
          return { key, value: "", lease, where: { key, value: "" } };
        });
        await this.#store.write(writes);
      }
    }
  }

  async *#pages(head: Head): AsyncIterable<string[]> {
    const prefix = memberKey(head, "");
    for (let after: string | undefined; ; ) {
      const page = await this.#store.list(prefix, { after, limit: pageSize });
      yield page.map(({ key }) => key.slice(prefix.length));
      if (page.length < pageSize) return;
      after = page.at(-1)?.key;
    }
  }

  #notFound(): NanoError {
    return new NanoError({ code: "not_found", message: `there is no group of users "${this.name}"` });
  }
}

function memberKey({ generation }: Head, user: string): string {
  return `user-group-members/${generation}/${user}`;
}

function encodeHead(generation: string, lease: string, ttlMs: number): Head {
  return { text: JSON.stringify({ generation, lease, ttlMs }), generation, lease, ttlMs };
}

/** Undefined where the text is none: the next `add` cannot put a group in its place, and says so. */
function decodeHead(text: string | undefined): Head | undefined {
  if (text === undefined) return undefined;
  try {
    const { generation, lease, ttlMs }: Partial<Record<string, unknown>> = JSON.parse(text);
    if (typeof generation !== "string" || typeof lease !== "string" || typeof ttlMs !== "number") return undefined;
    return { text, generation, lease, ttlMs };
  } catch {
    return undefined;
  }
}

function batches(given: readonly string[]): string[][] {
  for (const user of given) mustBeUser(user);
  const users = [...new Set(given)];
  const all: string[][] = [];
  for (let at = 0; at < users.length; at += maxStoreBatch) all.push(users.slice(at, at + maxStoreBatch));
  return all;
}

function mustBeTtl(ttlMs: number): void {
  if (!(ttlMs > 0 && ttlMs <= longestTtlMs))
    throw invalid(`a group of users lives for 1 ms to ten years, and not for ${ttlMs} ms`);
}

function invalid(message: string): NanoError {
  return new NanoError({ code: "invalid_argument", message });
}
