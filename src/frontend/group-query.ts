import { create } from "@bufbuild/protobuf";
import { type GroupQuery, type Member, MemberSchema, type Members, MembersSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import type { SessionCore } from "../session/index.ts";

// So that an answer is no large frame, whatever the names of users.
const mostMembers = 1_000;
const mostNameCharacters = 32_768;

/** Who is in a group here, as far as it is asked for. */
export function answerGroupQuery(membership: Membership, query: GroupQuery): Members {
  const group: GroupKey = { type: query.group?.type ?? "", name: query.group?.name ?? "" };
  const count = membership.count(group);
  if (query.count) return create(MembersSchema, { count });
  const all = [...membership.members(group)];
  if (query.session.length > 0) {
    const id = hex(query.session);
    return create(MembersSchema, { count, members: all.filter((member) => member.id === id).map(toMember) });
  }
  const after = hex(query.after);
  const left = all.filter(({ id }) => id > after).sort((one, other) => (one.id < other.id ? -1 : 1));
  let characters = 0;
  const page = left.slice(0, mostMembers).filter(({ user = "" }) => {
    const fits = characters <= mostNameCharacters;
    characters += user.length;
    return fits;
  });
  return create(MembersSchema, { count, members: page.map(toMember), more: page.length < left.length });
}

function toMember({ id, user }: SessionCore): Member {
  return create(MemberSchema, { session: Buffer.from(id, "hex"), user: user ?? "" });
}

const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex");
