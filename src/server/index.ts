export { createServer } from "./create-server.ts";
export type { HttpOptions } from "./endpoint.ts";
export { type Served, serve } from "./process/index.ts";
export type { ClusterOptions, ServerOptions, UserOptions } from "./server-options.ts";
export {
  type LoadedSettings,
  loadSettings,
  type Settings,
  SettingsError,
  type SettingsSources,
  withSettings,
} from "./settings/index.ts";
export type { StopSignal } from "./signals.ts";
export type { WatchdogOptions } from "./watchdog.ts";
