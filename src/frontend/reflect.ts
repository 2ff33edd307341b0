import { DocSchema, ProtoDescriptorsSchema, ProtoNamesSchema } from "../../gen/nano/client/v1/reflection_pb.ts";
import { descriptorsRoute, docsRoute, type Reflection } from "../reflection/index.ts";
import type { UnknownRoute } from "./unknown-route.ts";

/** Answers the routes of reflection, which are in no schema; everything else is for `next`. */
export function reflecting(reflection: Reflection, next: UnknownRoute | undefined): UnknownRoute {
  return (message) => {
    if (message.route === docsRoute) return { schema: DocSchema, message: reflection.docs() };
    if (message.route !== descriptorsRoute) return next?.(message);
    return { schema: ProtoDescriptorsSchema, message: reflection.descriptors(message.read(ProtoNamesSchema).name) };
  };
}
