import { type Logger, logLevels } from "./logger.ts";
import { readable } from "./readable.ts";

/** A logger whose lines go through something first; those that are not written do not. Its level is that of the logger below. */
export function derivedLogger(log: Logger, prepare: (fields: object) => object): Logger {
  const line =
    (level: (typeof logLevels)[number]) =>
    (fields: object, message?: string): void => {
      if (isWritten(log, level)) log[level](prepare(fields), message);
    };
  return {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    get level() {
      return log.level;
    },
    set level(level) {
      if ("level" in log) log.level = level;
    },
  };
}

/** A logger whose lines all carry some fields. */
export function withFields(log: Logger, shared: object): Logger {
  return derivedLogger(log, (fields) => ({ ...shared, ...readable(fields) }));
}

// Whoever has levels of other names, or none, decides by itself.
function isWritten({ level: least }: Logger, level: (typeof logLevels)[number]): boolean {
  const names: readonly (string | undefined)[] = logLevels;
  return least !== "silent" && names.indexOf(level) >= names.indexOf(least);
}
