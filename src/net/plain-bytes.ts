/** Bytes as everything above reads them. A Buffer's `slice` is a view, where a Uint8Array's is a copy: nobody above should have to know. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Buffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes;
}
