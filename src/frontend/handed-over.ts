import { create, type Registry } from "@bufbuild/protobuf";
import {
  type HandedOver,
  HandedOverSchema,
  LogEntrySchema,
  type LogEntry as WireEntry,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { fromWireError, toWireError } from "../error/index.ts";
import type { GroupKey } from "../group/index.ts";
import type { LogEntry } from "../session/index.ts";
import type { ClientSession } from "./client-session.ts";

/** All that another frontend has to know of a session. @param received How many packets its client has. */
export function handedOver(
  session: ClientSession,
  around: {
    readonly received: number;
    readonly groups: readonly GroupKey[];
    readonly heard: ReadonlyMap<bigint, bigint>;
    readonly servers: readonly bigint[];
  },
): HandedOver {
  const { core, resumption } = session;
  return create(HandedOverSchema, {
    groups: around.groups.map((key) => ({ ...key })),
    user: core.user ?? "",
    roles: [...core.roles],
    data: session.home.data,
    client: { ...core.client, fingerprint: core.client.fingerprint ?? "" },
    version: session.version,
    epoch: resumption?.epoch ?? 0,
    counted: BigInt(resumption?.received ?? 0),
    log: wireLog(session.log.behind(around.received)),
    heard: [...around.heard].map(([incarnation, number]) => ({ incarnation, number })),
    stuck: [...session.stuckTo].map(([type, { incarnation }]) => ({ type, incarnation })),
    servers: [...around.servers],
  });
}

/** Entries of a log, as they travel. */
export function wireLog(entries: readonly LogEntry[]): WireEntry[] {
  return entries.map(({ schema, error, id, ...entry }) =>
    create(LogEntrySchema, {
      ...entry,
      id: BigInt(id),
      type: schema?.typeName ?? "",
      ...(error ? { error: toWireError(error) } : {}),
    }),
  );
}

/** Entries that have travelled. @param registry Finds the type of an answer that no schema has under its route. */
export function readLog(entries: readonly WireEntry[], registry: Registry): LogEntry[] {
  return entries.map(({ kind, id, route, body, error, delivery, key, type }) => {
    const schema = type === "" ? undefined : registry.getMessage(type);
    return {
      kind: kind === "answer" || kind === "failure" ? kind : "push",
      id: Number(id),
      route,
      body,
      error: error && fromWireError(error),
      delivery: delivery === "latest" || delivery === "droppable" ? delivery : "replay",
      key,
      ...(schema ? { schema } : {}),
    };
  });
}
