export { asciiOnly } from "./ascii.ts";
export { fromCesu8 } from "./cesu8.ts";
