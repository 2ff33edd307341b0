import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

// A name as Node writes it: where a value could be taken for more than one, it is a JSON text.
const name = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** The URIs that the certificate of a socket's peer is for. Undefined where it has shown none, or none of a known authority. */
export function certificateUris(socket: Socket): readonly string[] | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate && urisOf(certificate.subjectAltName ?? "");
}

/** The URIs of a subjectAltName as Node writes it. */
export function urisOf(subjectAltName: string): readonly string[] {
  const names = [...subjectAltName.matchAll(name)];
  // What is quoted is no name of ours.
  return names.flatMap(([, kind, value = ""]) => (kind === "URI" && !value.startsWith('"') ? [value] : []));
}
