export { type AddressOptions, type Way, waysTo } from "./address.ts";
export { type Tapped, tapped, type Wire } from "./wire.ts";
