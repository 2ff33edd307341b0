import { clearField, clone, create, type DescField, isFieldSet } from "@bufbuild/protobuf";
import { Access, Delivery, type Method, MethodSchema, Order } from "../gen/nano/options_pb.ts";

/** What a method is: asked by clients, told by clients, told to clients, asked by servers. */
export type MethodKind = "request" | "notify" | "push" | "remote";

/**
 * Which options mean something on which kind. What is missing is refused where it is written for one method, and passed over where
 * it comes from defaults that serve other methods too.
 */
const meaning: { readonly [K in MethodKind]: ReadonlySet<string> } = {
  request: new Set([
    "access",
    "roles",
    "timeout_ms",
    "limit",
    "max_bytes",
    "sticky",
    "key",
    "own",
    "order",
    "max_concurrent",
    "errors",
    "validate",
    "route",
  ]),
  // Nobody waits for a notify: what it fails with is told by a push, in one shape.
  notify: new Set([
    "access",
    "roles",
    "timeout_ms",
    "limit",
    "max_bytes",
    "sticky",
    "key",
    "own",
    "order",
    "max_concurrent",
    "validate",
    "route",
  ]),
  // A push has no caller and no answer.
  push: new Set(["delivery", "latest_by", "route"]),
  // No session stands behind a remote: nothing to admit, to count, to order or to stick to.
  remote: new Set(["timeout_ms", "max_bytes", "key", "own", "errors", "validate", "route"]),
};

/** Whether an option, by its name in the .proto, means something on a kind of method. */
export function means(kind: MethodKind, option: string): boolean {
  return meaning[kind].has(option);
}

/** The options that are written in a message, by their names in the .proto. */
export function written(options: Method): DescField[] {
  return MethodSchema.fields.filter((field) => isFieldSet(options, field));
}

/** Options laid over each other, the later over the earlier, field by field; of defaults only what means something for the method. */
export function merge(kind: MethodKind, defaults: readonly (Method | undefined)[], own: Method | undefined): Method {
  let merged = create(MethodSchema);
  for (const layer of defaults) if (layer) merged = lay(merged, layer, (field) => means(kind, field.name));
  const said = own ?? create(MethodSchema);
  const laid = lay(merged, said, () => true);
  return dropDetached(laid, said);
}

function lay(under: Method, over: Method, takes: (field: DescField) => boolean): Method {
  const result = clone(MethodSchema, under);
  // Whoever opens a method to everyone takes back the roles that it asked for.
  if (over.access === Access.PUBLIC) result.roles = [];
  for (const field of written(over)) {
    if (!takes(field)) continue;
    // `sticky: false` gives up a key or stickiness of the defaults.
    if (field.oneof) result.routeBy = over.routeBy;
    // Both are of one message type, so the value of a field fits the same field.
    else Reflect.set(result, field.localName, Reflect.get(over, field.localName));
  }
  return result;
}

/** Takes out what defaults say of a key, of messages side by side or of the newest push, where the method has none. */
function dropDetached(merged: Method, own: Method): Method {
  const { own: ownField, maxConcurrent, latestBy } = MethodSchema.field;
  const detached = [
    ...(merged.routeBy.case === "key" ? [] : [ownField]),
    ...(merged.order === Order.CONCURRENT ? [] : [maxConcurrent]),
    ...(merged.delivery === Delivery.LATEST ? [] : [latestBy]),
  ];
  for (const field of detached) if (!isFieldSet(own, field)) clearField(merged, field);
  return merged;
}
