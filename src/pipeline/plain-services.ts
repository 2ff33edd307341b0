import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Entry } from "./entry.ts";

/** What answers a method of Connect: of a unary one the message, of a stream of the caller's all of them. */
export type PlainMethod = (request: Message & AsyncIterable<Message>, context: HandlerContext) => Promise<Message>;

/** Serves the services of entries by Connect; methods of theirs that have no entry are unimplemented. */
export function servePlainly(router: ConnectRouter, entries: Iterable<Entry>, methodOf: (entry: Entry) => PlainMethod): void {
  const services = new Map<DescService, Entry[]>();
  for (const entry of entries) {
    const service = entry.method.method.parent;
    services.set(service, [...(services.get(service) ?? []), entry]);
  }
  for (const [service, own] of services) {
    const methods = own.map((entry) => [entry.method.method.localName, methodOf(entry)]);
    // Requests are unary, notifies streams of the caller's: the plugin and `implement` saw to that.
    router.service(service, Object.fromEntries(methods) as Partial<ServiceImpl<typeof service>>);
  }
}

/** Entries by what Connect knows their methods by. */
export function byMethod(entries: Iterable<Entry>): ReadonlyMap<DescMethod, Entry> {
  return new Map([...entries].map((entry) => [entry.method.method, entry]));
}
