import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { NanoError } from "../../src/error/index.ts";
import { encodePatch, encodePush, type Session, SessionView, sessionHooks } from "../../src/session/index.ts";
import { PlayPush } from "../schema/gen/play/v1/play_nano.ts";
import { type PlaySession, PlaySessionSchema, ScoredResponseSchema, ToldResponseSchema } from "../schema/gen/play/v1/play_pb.ts";
import { KindsSchema } from "../serializer/kinds.ts";
import { startSession, type TestSession } from "./fake-home.ts";

const session = {} as TestSession & { view: SessionView<PlaySession> };

beforeEach(() => {
  const started = startSession();
  Object.assign(session, started, { view: new SessionView<PlaySession>(started.core, PlaySessionSchema) });
});

describe("encodePush()", () => {
  test("has the message in protobuf, the route and what may be lost", () => {
    expect(encodePush(PlayPush.told, { text: "hi" })).toEqual({
      route: PlayPush.told.route,
      body: toBinary(ToldResponseSchema, create(ToldResponseSchema, { text: "hi" })),
      delivery: "replay",
    });
    expect(encodePush(PlayPush.scored, { player: "ann", score: 3 })).toMatchObject({
      delivery: "latest",
      body: toBinary(ScoredResponseSchema, create(ScoredResponseSchema, { player: "ann", score: 3 })),
    });
  });
});

describe("SessionView", () => {
  test("shows what the session is", () => {
    const { core, view } = session;
    core.userChanged("ann", ["admin"]);
    expect([view.id, view.user, view.roles, view.frontend, view.state]).toEqual(["00ff", "ann", ["admin"], "gate-1", "open"]);
    expect(view.client).toMatchObject({ platform: "test", version: "1" });
    expect(view.values).toBe(core.values);
    expect(view.data).toEqual(create(PlaySessionSchema));
    core.applied(encodePatch(PlaySessionSchema, { note: "n" }));
    expect(view.data.note).toBe("n");
  });

  test("leads to its core, and nothing else does", () => {
    expect(SessionView.coreOf(session.view)).toBe(session.core);
    for (const other of [{}, Object.create(SessionView.prototype), session.core]) {
      expect(() => SessionView.coreOf(other as Session)).toThrow(TypeError);
    }
  });

  test("binds, and gives itself as bound, with what became of the former", async () => {
    const { home, view } = session;
    home.holdBind().resolve("timed_out");
    const bound = await view.bind("ann", { roles: ["admin"] });
    expect(bound.former).toBe("timed_out");
    expect(bound.session).toBe(view);
    expect([bound.session.user, bound.session.roles]).toEqual(["ann", ["admin"]]);
  });

  test("a user without a name is refused, not a logout", async () => {
    await session.view.bind("ann");
    await expect(session.view.bind("")).rejects.toMatchObject({ code: "invalid_argument" });
    expect(session.view.user).toBe("ann");
  });

  test("logs out whoever has logged in, and asks nobody otherwise", async () => {
    await session.view.unbind();
    expect(session.home.asked).toEqual([]);
    await session.view.bind("ann");
    await session.view.unbind();
    expect(session.home.asked).toEqual(["bind ann", "bind "]);
    expect(session.view.user).toBeUndefined();
  });

  test("patches by names, shows it at once, and refuses unknown ones without asking", async () => {
    const { home, view } = session;
    home.holdWrite();
    void view.patch({ note: "mine", coins: 5n });
    expect(view.data).toMatchObject({ note: "mine", coins: 5n });
    await expect(view.patch({ nick: "x" } as object)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(home.asked).toHaveLength(1);
  });

  test("patches if others are still as expected", async () => {
    const { home, view } = session;
    home.holdWrite().resolve(false);
    expect(await view.patchIf({ coins: 5n }, { coins: 4n })).toBe(false);
    expect(await view.patchIf({ coins: 0n }, { coins: 4n })).toBe(true);
    expect(home.asked).toEqual(["write 2 if", "write 2 if"]);
  });

  test("says who was not reached: the user, or the session where there is none", async () => {
    const { core, view } = session;
    expect(await view.deliver(PlayPush.told, { text: "hi" })).toEqual({ missed: [] });
    const { deliver } = session.home;
    session.home.deliver = async (push) => !(await deliver(push));
    expect(await view.deliver(PlayPush.told, { text: "hi" })).toEqual({ missed: ["00ff"] });
    await view.bind("ann");
    expect(await view.deliver(PlayPush.told, { text: "hi" })).toEqual({ missed: ["ann"] });
    await core.end({ kind: "lost", message: "" });
    expect(await view.deliver(PlayPush.told, { text: "hi" })).toEqual({ missed: ["ann"] });
  });

  test("of a call that is over changes nothing, but can still be looked at, heard and kicked", async () => {
    const { core, home } = session;
    const view = new SessionView<PlaySession>(core, PlaySessionSchema, () => {
      throw new NanoError({ code: "canceled", message: "the call is over" });
    });
    const canceled = expect.objectContaining({ code: "canceled" });
    await expect(view.bind("ann")).rejects.toEqual(canceled);
    await expect(view.unbind()).rejects.toEqual(canceled);
    await expect(view.patch({ note: "x" })).rejects.toEqual(canceled);
    await expect(view.patchIf({}, { note: "x" })).rejects.toEqual(canceled);
    await expect(view.deliver(PlayPush.told, { text: "x" })).rejects.toEqual(canceled);
    expect(() => view.push(PlayPush.told, { text: "x" })).toThrow(canceled);
    expect(home.asked).toEqual([]);
    expect(view.data.note).toBe("");
    view.kick({ code: "internal", reason: "" });
    expect(home.asked).toEqual(["kick internal"]);
  });

  test("hears what happens, until it does not listen any more", async () => {
    const { core, view } = session;
    const heard: unknown[] = [];
    const offs = [
      view.onBind((user) => heard.push(user)),
      view.onPatch((fields) => heard.push(fields)),
      view.onClose(({ kind }) => void heard.push(kind)),
    ];
    core.userChanged("ann", []);
    core.applied(encodePatch(PlaySessionSchema, { coins: 3n, note: "n" }));
    // Another service's data.
    core.applied(encodePatch(KindsSchema, { text: "t" }));
    expect(heard.splice(0)).toEqual(["ann", ["note", "coins"]]);
    for (const off of offs) off();
    core.userChanged("bob", []);
    core.applied(encodePatch(PlaySessionSchema, { note: "m" }));
    await core.end({ kind: "left", message: "" });
    expect(heard).toEqual([]);
  });
});

describe("sessionHooks()", () => {
  test("hear a session from its opening to its end, with the data of their type", async () => {
    const { core, failures } = session;
    const heard: unknown[] = [];
    sessionHooks(PlaySessionSchema, {
      onOpen: ({ id, user }) => heard.push(["open", id, user]),
      onBind: ({ user }) => heard.push(["bind", user]),
      onPatch: ({ data }, fields) => heard.push(["patch", fields, data.note]),
      onClose: (_session, { kind }) => void heard.push(["close", kind]),
    }).attach(core);
    core.userChanged("ann", []);
    core.applied(encodePatch(PlaySessionSchema, { note: "n" }));
    core.applied(encodePatch(KindsSchema, { text: "t" }));
    await core.end({ kind: "replaced", message: "" });
    expect(heard).toEqual([
      ["open", "00ff", undefined],
      ["bind", "ann"],
      ["patch", ["note"], "n"],
      ["close", "replaced"],
    ]);
    expect(failures).toEqual([]);
  });

  test("may be few; what they throw goes no further; the end waits for them", async () => {
    const { core, failures } = session;
    sessionHooks(PlaySessionSchema, {}).attach(core);
    sessionHooks(PlaySessionSchema, {
      onBind: () => {
        throw new Error("bind");
      },
      onClose: () => Promise.reject(new Error("close")),
    }).attach(core);
    core.userChanged("ann", []);
    await core.end({ kind: "left", message: "" });
    expect(failures.map((reason) => (reason as Error).message)).toEqual(["bind", "close"]);
  });

  test.each([
    ["throws", () => raise()],
    ["rejects with, async against its type,", async () => raise()],
  ])("what onOpen %s goes no further, and the rest is heard", async (_how, onOpen) => {
    const { core, failures } = session;
    const heard: unknown[] = [];
    sessionHooks(PlaySessionSchema, { onOpen, onBind: onOpen, onClose: () => void heard.push("close") }).attach(core);
    core.userChanged("ann", []);
    await core.end({ kind: "left", message: "" });
    expect([failures.map((reason) => (reason as Error).message), heard]).toEqual([["broken", "broken"], ["close"]]);
  });

  function raise(): never {
    throw new Error("broken");
  }
});
