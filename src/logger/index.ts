export { withFields } from "./derived-logger.ts";
export { createJsonLogger, type LineSink } from "./json-logger.ts";
export { type Logger, type LogLevel, silentLogger } from "./logger.ts";
export { redactMessages } from "./redact-messages.ts";
