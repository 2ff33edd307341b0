export { CompressionError, inflateZlib } from "./zlib.ts";
