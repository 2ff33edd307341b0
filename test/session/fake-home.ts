import type { FormerSession, SessionHome } from "../../src/session/index.ts";
import { SessionCore, SessionData } from "../../src/session/index.ts";

/** A home that does as the test says: at once and well, or held until it says how. */
interface FakeHome extends SessionHome {
  /** What it was asked, in order. */
  readonly asked: string[];
  /** The next bind waits for this. */
  holdBind(): PromiseWithResolvers<FormerSession>;
  /** The next write waits for this. */
  holdWrite(): PromiseWithResolvers<boolean>;
}

function createFakeHome(): FakeHome {
  const asked: string[] = [];
  const binds: Promise<FormerSession>[] = [];
  const writes: Promise<boolean>[] = [];
  function hold<T>(held: Promise<T>[]): PromiseWithResolvers<T> {
    const answer = Promise.withResolvers<T>();
    held.push(answer.promise);
    return answer;
  }
  return {
    asked,
    holdBind: () => hold(binds),
    holdWrite: () => hold(writes),
    async bind(user) {
      asked.push(`bind ${user}`);
      return (await binds.shift()) ?? "none";
    },
    async write(patch, expected) {
      asked.push(`write ${patch.fields.length}${expected ? " if" : ""}`);
      return (await writes.shift()) ?? true;
    },
    push: ({ route }) => void asked.push(`push ${route}`),
    async deliver({ route }) {
      asked.push(`deliver ${route}`);
      return true;
    },
    kick: ({ code }) => void asked.push(`kick ${code}`),
    async changeGroup({ name }, change) {
      asked.push(`${change} ${name}`);
      return [];
    },
  };
}

/** A session on some server. */
export interface TestSession {
  readonly core: SessionCore;
  readonly home: FakeHome;
  /** What its listeners threw. */
  readonly failures: unknown[];
}

/** A session that nobody is bound to. */
export function startSession(data: SessionData = new SessionData()): TestSession {
  const home = createFakeHome();
  const failures: unknown[] = [];
  const core = new SessionCore({
    id: "00ff",
    frontend: "gate-1",
    incarnation: 7n,
    client: { platform: "test", version: "1", fingerprint: undefined, remoteAddress: "::1" },
    user: undefined,
    roles: [],
    data,
    home,
    failed: (reason) => void failures.push(reason),
  });
  return { core, home, failures };
}
