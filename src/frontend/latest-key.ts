import type { RouteInfo } from "../route/index.ts";
import { readKey } from "../router/index.ts";
import type { OutgoingPush } from "../session/index.ts";

/** What the newest push of a `latest` route takes the place of: the route, and the value of its `latest_by` field. */
export function latestKey(info: RouteInfo | undefined, push: Pick<OutgoingPush, "route" | "body">): string {
  const field = info?.policy.latestBy;
  return info && field ? `${push.route}\n${readKey(info.output, field, push.body)}` : push.route;
}
