// Tests from the schema. Needs fast-check, an optional peer.
export { boundaryArbitrary } from "./boundary-arbitrary.ts";
export { brokenArbitrary } from "./broken-arbitrary.ts";
export { brokenJsonArbitrary } from "./broken-json-arbitrary.ts";
export { fuzzJson } from "./fuzz-json.ts";
export { type FuzzOptions, type FuzzReport, fuzzService } from "./fuzz-service.ts";
export { type MessageArbitraryOptions, messageArbitrary } from "./message-arbitrary.ts";
