import { fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Client, Listen } from "../../client/index.ts";
import { type CallOptions, type ClientService, reflectCodec } from "../../contract/index.ts";

const anything = reflectCodec(ValueSchema);

/** Any route of a server of which nothing is known, in plain JSON. */
export interface PlainRoutes {
  /** Asks. Rejects with a NanoError. */
  request(route: string, data: JsonValue, options: CallOptions): Promise<JsonValue>;
  notify(route: string, data: JsonValue): void;
  push(route: string): Listen<Value>;
}

interface Plain {
  call(init: Message, options: CallOptions): Promise<Value>;
  tell(init: Message): void;
  readonly onPush: Listen<Value>;
}

/** Its client speaks JSON. */
export function plainRoutes(client: Client): PlainRoutes {
  const services = new Map<string, Plain>();
  const of = (route: string, kind: string): Plain => {
    const key = `${kind} ${route}`;
    const there = services.get(key);
    if (there) return there;
    const definition: ClientService<Plain> = {
      ...{ codegen: 1, kind: "client", service: key },
      methods:
        kind === "request"
          ? { call: { kind, route, input: anything, output: anything } }
          : kind === "notify"
            ? { tell: { kind, route, input: anything } }
            : { push: { kind: "push", route, output: anything } },
    };
    const made = client.service(definition);
    services.set(key, made);
    return made;
  };
  return {
    request: async (route, data, options) =>
      toJson(ValueSchema, await of(route, "request").call(fromJson(ValueSchema, data), options)),
    notify: (route, data) => of(route, "notify").tell(fromJson(ValueSchema, data)),
    push: (route) => of(route, "push").onPush,
  };
}
