/** Takes log lines: fields first, then words, as pino does. */
export interface Logger {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

/** Where lines go, as text without a newline. */
export interface LineSink {
  write(line: string): void;
}

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** How much is logged. */
export type LogLevel = keyof typeof levels;

/** Writes one JSON object a line. Fields that name secrets are the caller's to leave out. */
export function createJsonLogger(options: {
  readonly sink: LineSink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The default is "info". */
  readonly level?: LogLevel;
}): Logger {
  const least = levels[options.level ?? "info"];
  function line(level: LogLevel, fields: object, message: string | undefined): void {
    if (levels[level] < least) return;
    options.sink.write(JSON.stringify({ level, time: options.now(), ...fields, msg: message }, replace));
  }
  return {
    debug: (fields, message) => line("debug", fields, message),
    info: (fields, message) => line("info", fields, message),
    warn: (fields, message) => line("warn", fields, message),
    error: (fields, message) => line("error", fields, message),
  };
}

/** A logger whose lines all carry some fields. */
export function withFields(log: Logger, shared: object): Logger {
  return {
    debug: (fields, message) => log.debug({ ...shared, ...fields }, message),
    info: (fields, message) => log.info({ ...shared, ...fields }, message),
    warn: (fields, message) => log.warn({ ...shared, ...fields }, message),
    error: (fields, message) => log.error({ ...shared, ...fields }, message),
  };
}

const silence = (): void => {};

/** Logs nothing. */
export const silentLogger: Logger = { debug: silence, info: silence, warn: silence, error: silence };

const longestText = 256;

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return value.length > longestText ? `${value.slice(0, longestText)}...` : value;
  if (value instanceof Error) {
    return { name: value.name, message: value.message, stack: value.stack, ...("code" in value ? { code: value.code } : {}) };
  }
  return value;
}
