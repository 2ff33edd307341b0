export { type AddressOptions, type Way, waysTo } from "./address.ts";
export { dialRemedy } from "./remedy.ts";
export { type Tapped, tapped, type Wire } from "./wire.ts";
