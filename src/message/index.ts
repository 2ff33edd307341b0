export { type DecodedMessage, decodeMessage } from "./decode-message.ts";
export { answerHeadBytes, encodeMessage, writeAnswerHead, writeMessageHeader } from "./encode-message.ts";
export { MessageError, type MessageHeader, MessageKind } from "./message.ts";
export { RouteTexts } from "./route-texts.ts";
export { decodeTracePlace, encodeTracePlace } from "./trace-place.ts";
