export { encodeHandshakeAnswer, type HandshakeAnswer, type NanoAnswer, parseHandshakeAnswer } from "./handshake-answer.ts";
export {
  asciiJson,
  clientFamily,
  encodeHandshakeRequest,
  type HandshakeRequest,
  type NanoRequest,
  parseHandshakeRequest,
} from "./handshake-request.ts";
export { HandshakeError } from "./json-value.ts";
export { encodeKick, parseKick } from "./kick.ts";
