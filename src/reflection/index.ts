export { docsOf } from "./docs.ts";
export { createReflection, descriptorsRoute, docsRoute, type Reflection } from "./reflection.ts";
export type { ShownRoute } from "./shown-types.ts";
