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

/**
 * Writes one JSON object a line, whatever the fields are: what cannot be read says so in its place, long texts and chains of causes are
 * cut. Fields that name secrets are the caller's to leave out.
 */
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
    const named = readable(fields);
    const write = (shown: object): string => JSON.stringify({ level, time: options.now(), ...shown, msg: message }, replace);
    let text: string;
    try {
      text = write(named);
    } catch {
      text = write(eachAlone(named));
    }
    options.sink.write(text);
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
    debug: (fields, message) => log.debug({ ...shared, ...readable(fields) }, message),
    info: (fields, message) => log.info({ ...shared, ...readable(fields) }, message),
    warn: (fields, message) => log.warn({ ...shared, ...readable(fields) }, message),
    error: (fields, message) => log.error({ ...shared, ...readable(fields) }, message),
  };
}

const silence = (): void => {};

/** Logs nothing. */
export const silentLogger: Logger = { debug: silence, info: silence, warn: silence, error: silence };

const longestText = 256;
const longestStack = 2_048;
const mostCauses = 4;
const mostErrors = 8;
const unreadable = "[unreadable]";

function replace(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return cut(value, key === "stack" ? longestStack : longestText);
  if (value instanceof Error) return shown(value, 0);
  return value;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

// Causes may lead back to where they began, and lists of errors hold lists of errors.
function shown(error: Error, depth: number): object {
  const inner = (value: unknown, at: number): unknown => {
    if (!(value instanceof Error)) return value;
    return depth < mostCauses ? shown(value, at) : value.message;
  };
  return {
    name: error.name,
    message: error.message,
    ...("code" in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: inner(error.cause, depth + 1) }),
    ...(error instanceof AggregateError
      ? { errors: error.errors.slice(0, mostErrors).map((one) => inner(one, mostCauses)) }
      : {}),
  };
}

/** The fields as values: a getter may throw. */
function readable(fields: object): object {
  try {
    return { ...fields };
  } catch {
    return Object.fromEntries(Object.keys(fields).map((name) => [name, orUnreadable(() => Reflect.get(fields, name))]));
  }
}

/** The fields that have JSON, and the names of those that have none: they are round, too deep, or throw. */
function eachAlone(fields: object): object {
  const alone = ([name, value]: [string, unknown]): [string, unknown] => [
    name,
    orUnreadable(() => JSON.parse(JSON.stringify(value, replace) ?? "null")),
  ];
  return Object.fromEntries(Object.entries(fields).map(alone));
}

function orUnreadable(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return unreadable;
  }
}
