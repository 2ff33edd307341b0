export { encodeHandshakeAnswer, type HandshakeAnswer, type NanoAnswer, parseHandshakeAnswer } from "./handshake-answer.ts";
export {
  asciiJson,
  type ClientFamily,
  clientFamily,
  encodeHandshakeRequest,
  type HandshakeRequest,
  inflatesZlib,
  type NanoRequest,
  parseHandshakeRequest,
  usesCodes,
} from "./handshake-request.ts";
export { HandshakeError } from "./json-value.ts";
export { encodeKick, parseKick } from "./kick.ts";
