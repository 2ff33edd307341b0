export { createLifecycles, type Lifecycles } from "./lifecycles.ts";
