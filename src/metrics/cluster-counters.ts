/**
 * Why a connection to the cluster port was closed: `tls`: it opened no TLS, or had no certificate of the right authority; `protocol`: it broke the rules of HTTP/2, or
 * flooded; `silent`: nobody came in by it within 10 s; `busy`: it was the oldest of more than 1,024, or 256 from one address, by which nobody had come in.
 */
export type ConnectionRefusal = "tls" | "protocol" | "silent" | "busy";

/**
 * Why a server got no link: `token`: none, or a wrong one; `certificate`: it says otherwise than the server; `record`: none says that the server is a frontend, or
 * one says otherwise; `protocol`: what it said was out of turn, of another version, or nonsense; `late`: it did not say enough in time; `busy`: too many came at once.
 */
export type LinkRefusal = "token" | "certificate" | "record" | "protocol" | "late" | "busy";

/**
 * Why a plain call was refused before its body was read: `token`: none, or a wrong one; `headers`: over 8 KiB of them, or 64, or an authority that is none; `method`: there is none
 * such, or it is a push, or not called by POST; `type`: its content type is none of Connect or gRPC; `session`: a client's message without a session, or with
 * one that is none, is over, or that its caller has no right to; `frontend`: the frontend of its session is not there, or out of reach. Or while it was read: `size`: over 1 MiB;
 * `body`: it is compressed, or not the method's message; `late`: it was not there within 5 s, or the time that its caller gave.
 */
export type CallRefusal = "token" | "headers" | "method" | "type" | "session" | "frontend" | "size" | "body" | "late";

/**
 * Why a value in discovery is no server's: `unsigned`; `signature`: it is of another token, of another key, or was changed; `place`: it names
 * another server than its key does; `format`: it is no record.
 */
export type RecordRefusal = "unsigned" | "signature" | "place" | "format";

/**
 * Why something said on a link was refused: `capability`: not the right to that session; `ended`: the session is over, or the user not here; `frontend`: only
 * frontends may say so, or only frontends can do so.
 */
export type FrameRefusal = "capability" | "ended" | "frontend";

/** What the cluster port has turned away, by reason. Read when asked for; never reset. */
export interface ClusterCounters {
  readonly connectionsRefused: Record<ConnectionRefusal, number>;
  readonly linksRefused: Record<LinkRefusal, number>;
  readonly callsRefused: Record<CallRefusal, number>;
  /** A value counts every time that it is read. */
  readonly recordsRefused: Record<RecordRefusal, number>;
  readonly framesRefused: Record<FrameRefusal, number>;
}

/** All at zero. */
export function createClusterCounters(): ClusterCounters {
  return {
    connectionsRefused: { tls: 0, protocol: 0, silent: 0, busy: 0 },
    linksRefused: { token: 0, certificate: 0, record: 0, protocol: 0, late: 0, busy: 0 },
    callsRefused: { token: 0, headers: 0, method: 0, type: 0, session: 0, frontend: 0, size: 0, body: 0, late: 0 },
    recordsRefused: { unsigned: 0, signature: 0, place: 0, format: 0 },
    framesRefused: { capability: 0, ended: 0, frontend: 0 },
  };
}
