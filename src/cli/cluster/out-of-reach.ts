import { NanoError } from "../../error/index.ts";
import { CommandError } from "../command.ts";

/** What to do where nobody answers for etcd. */
export const etcdRemedy =
  'is it running, and is this its client port? While you develop, "npx nano-cli registry" stands in for it';

/** Why etcd, or the cluster behind it, could not be reached. What to do about it stands on a second line, where that is known. */
export function outOfReach(reason: unknown): CommandError {
  // gRPC ends with an empty note.
  const message = NanoError.from(reason).message.replace(/ Resolution note: *$/, "");
  return new CommandError(/\bUNAVAILABLE\b|\bECONN|\bENOTFOUND\b/.test(message) ? `${message}\n${etcdRemedy}` : message);
}
