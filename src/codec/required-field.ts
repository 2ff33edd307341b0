/** Throws: a message cannot be written without a field. In the words of protobuf-es. */
export function refuseUnset(field: string): never {
  throw new Error(`cannot encode ${field} to binary: required field not set`);
}
