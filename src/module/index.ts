export { type ChildProcessHandle, type ChildProcessOptions, childProcess } from "./child-process.ts";
export { createLifecycles, type Lifecycles } from "./lifecycles.ts";
