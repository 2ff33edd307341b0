export { CompressionError, deflateZlib, inflateZlib } from "./zlib.ts";
