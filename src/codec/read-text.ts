const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const looseText = new TextDecoder("utf-8", { ignoreBOM: true });
const { latin1Slice, utf8Slice } = Buffer.prototype;
const shortText = 16;
const { fromCharCode } = String;

/**
 * A text out of UTF-8. Short ones, which most are, are put together here: a call of the system costs more than all of their characters.
 *
 * @param strict Whether what is no UTF-8 is refused; otherwise it becomes U+FFFD.
 */
export function readText(bytes: Uint8Array, from: number, to: number, strict: boolean): string {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x7f) return readWide(bytes, from, to, strict);
  return to - from <= shortText ? short(bytes, from, to - from) : latin1Slice.call(bytes, from, to);
}

function readWide(bytes: Uint8Array, from: number, to: number, strict: boolean): string {
  const text = utf8Slice.call(bytes, from, to);
  // It stands for what is no UTF-8, or for itself.
  if (!text.includes("\ufffd")) return text;
  return (strict ? strictText : looseText).decode(bytes.subarray(from, to));
}

/** Of a few characters as many arguments: an array of them takes twice as long. */
function short(bytes: Uint8Array, at: number, length: number): string {
  if (length > 8) {
    const units = new Array<number>(length);
    for (let unit = 0; unit < length; unit++) units[unit] = bytes[at + unit] as number;
    return fromCharCode.apply(String, units);
  }
  switch (length) {
    case 0:
      return "";
    case 1:
      return fromCharCode(bytes[at] as number);
    case 2:
      return fromCharCode(bytes[at] as number, bytes[at + 1] as number);
    case 3:
      return fromCharCode(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number);
    case 4:
      return fromCharCode(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number);
    case 5:
      return fromCharCode(
        bytes[at] as number,
        bytes[at + 1] as number,
        bytes[at + 2] as number,
        bytes[at + 3] as number,
        bytes[at + 4] as number,
      );
    case 6:
      return fromCharCode(
        bytes[at] as number,
        bytes[at + 1] as number,
        bytes[at + 2] as number,
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes[at + 5] as number,
      );
    case 7:
      return fromCharCode(
        bytes[at] as number,
        bytes[at + 1] as number,
        bytes[at + 2] as number,
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes[at + 5] as number,
        bytes[at + 6] as number,
      );
    default:
      return fromCharCode(
        bytes[at] as number,
        bytes[at + 1] as number,
        bytes[at + 2] as number,
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes[at + 5] as number,
        bytes[at + 6] as number,
        bytes[at + 7] as number,
      );
  }
}
