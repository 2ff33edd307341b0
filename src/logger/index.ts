export { createJsonLogger, type LineSink, type Logger, type LogLevel, silentLogger, withFields } from "./logger.ts";
