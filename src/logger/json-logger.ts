import { pino } from "pino";
import type { Logger, LogLevel, logLevels } from "./logger.ts";
import { plain } from "./readable.ts";

/** Where lines go, as text without a newline. */
export interface LineSink {
  write(line: string): void;
}

/**
 * Writes one JSON object a line, by pino, whatever the fields are: what cannot be read says so in its place, long texts and chains of causes are cut,
 * fields with the names of secrets (as `token`, `password`) are left out, and no character in a line steers a terminal.
 */
export function createJsonLogger(options: {
  readonly sink: LineSink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The default is "info". `logger.level` changes it at any time. */
  readonly level?: LogLevel;
}): Logger & { level: string } {
  const lines = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: () => `,"time":${options.now()}`,
      formatters: { level: (level) => ({ level }) },
      // Errors are plain by then: pino would call their type "Object", and lay the words of their causes into their own.
      serializers: { err: (shown: unknown) => shown },
    },
    { write: (line: string) => options.sink.write(harmless(line.trimEnd())) },
  );
  const line =
    (level: (typeof logLevels)[number]) =>
    (fields: object, message?: string): void => {
      if (lines.isLevelEnabled(level)) lines[level](plain(fields), message);
    };
  return {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    get level() {
      return lines.level;
    },
    set level(level) {
      lines.level = level;
    },
  };
}

// JSON escapes those below 0x20 by itself. The others steer terminals and editors, too: C1, separators of lines, the direction of writing.
const steering = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function harmless(line: string): string {
  return line.replace(steering, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
