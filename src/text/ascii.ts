/** JSON in ASCII alone, which nobody garbles: browser clients of pomelo do with anything beyond (clients.md, rule 11). */
export function asciiOnly(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
