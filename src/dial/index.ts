export { type AddressOptions, isAddress, type Way, waysTo } from "./address.ts";
export { type Tapped, tapped, type Wire } from "./wire.ts";
