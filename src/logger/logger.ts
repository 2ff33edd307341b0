/** Takes log lines: fields first, then words, as pino does. A pino logger is one. */
export interface Logger {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
  /** The least that is written, by its name: for this logger and all that are made from it. It may be set at any time. Loggers of one's own need not have it. */
  level?: string | undefined;
}

/** From the least to the worst. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** How much is logged; "silent" is nothing. */
export type LogLevel = (typeof logLevels)[number] | "silent";

const silence = (): void => {};

/** Logs nothing. */
export const silentLogger: Logger = { debug: silence, info: silence, warn: silence, error: silence };
