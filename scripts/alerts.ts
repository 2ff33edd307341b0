// Prints docs/prometheus/alerts.yml, rules for Prometheus, and docs/reference/alerts.md, what to do about each; or into the folder that is named.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { fold, ifAllSaid, increase, most, now, outside, type Query, quantile, rate, ratio, where } from "./promql.ts";

interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it must be so, as Prometheus writes it. */
  readonly lasting: string | undefined;
  /** "page" wakes somebody, "ticket" waits for the morning. */
  readonly severity: "page" | "ticket";
  readonly summary: string;
  /** What to look at first. */
  readonly look: string;
}

/** @param summary Of what fires, by its labels. */
function alert<L extends string>(
  name: string,
  severity: Alert["severity"],
  lasting: string | undefined,
  expr: Query<L>,
  summary: (label: { readonly [N in L]: string }) => string,
  look: string,
): Alert {
  const labels = Object.fromEntries(expr.labels.map((label) => [label, `{{ $labels.${label} }}`]));
  // One for each label of the question.
  return { name, severity, lasting, look, expr: expr.text, summary: summary(labels as { readonly [N in L]: string }) };
}

const percent = (share: number): string => `${share * 100} %`;

// The limits: a beginning, and the operator's to move.
const faultyShare = 0.01;
const slowSeconds = 1;
const blockedShare = 0.02;
const lateSeconds = 0.25;
const restarts = 2;
const waitingBytes = 4e6;

const alerts: readonly Alert[] = [
  alert(
    ...(["NanoServerGone", "page", "1m", where(outside("up"), "==", 0)] as const),
    ({ server }) => `${server} does not answer`,
    "The cluster still lists the server, but its HTTP endpoint is silent: is its host up, its event loop blocked, its port open to Prometheus?",
  ),
  alert(
    ...(["NanoTypeGone", "page", "1m"] as const),
    where(
      fold("max", ["type"], most("nano_servers", "1h", { state: ["ready"] })),
      "unless",
      fold("max", ["type"], now("nano_servers", { state: ["ready"] })),
    ),
    ({ type }) => `no ${type} server is ready, and within the hour there was one`,
    "Its routes answer `unavailable`. The log of the last one says why it ended; a type that was given up on purpose is forgotten after an hour.",
  ),
  alert(
    ...(["NanoRestarts", "page", undefined] as const),
    where(outside("process_start_time_seconds", { of: "changes", window: "30m" }), ">", restarts),
    ({ server }) => `${server} was started anew over ${restarts} times in half an hour`,
    "Exit codes and the last lines of its log: 2 is a setting, 1 an error that nobody caught.",
  ),
  alert(
    ...(["NanoServerNotReady", "page", "5m", where(now("nano_ready"), "==", 0)] as const),
    ({ server }) => `${server} takes no new work`,
    "`/readyz` names each reason.",
  ),
  alert(
    ...(["NanoInternalErrors", "page", "5m"] as const),
    where(
      ratio(
        fold("sum", ["route"], rate("nano_calls_failed_total", "5m", { code: ["internal", "unknown", "data_loss"] })),
        fold("sum", ["route"], rate("nano_call_duration_seconds", "5m")),
      ),
      ">",
      faultyShare,
    ),
    ({ route }) => `${route} fails by faults of its own in over ${percent(faultyShare)} of its calls`,
    "The log has the error and its stack with each call's `route`.",
  ),
  alert(
    ...(["NanoSlowCalls", "ticket", "10m"] as const),
    where(quantile(0.99, "nano_call_duration_seconds", "5m", ["route"], { kind: ["handler"] }), ">", slowSeconds),
    ({ route }) => `${route} takes over ${slowSeconds} s in 1 % of its calls`,
    "A trace of a slow call says where its time goes; what it asks others is in `nano_remote_call_duration_seconds`.",
  ),
  alert(
    ...(["NanoCallsWait", "ticket", "10m"] as const),
    where(quantile(0.99, "nano_queue_duration_seconds", "5m", ["route"]), ">", slowSeconds),
    ({ route }) => `calls of ${route} wait over ${slowSeconds} s for their turn in 1 % of cases`,
    "They wait behind other calls of their session: which is slow? Methods that need no order may say `order: ORDER_CONCURRENT`.",
  ),
  alert(
    ...(["NanoFull", "page", "5m"] as const),
    where(
      rate("nano_limit_hits_total", "5m", { limit: ["connections", "handshakesPerSecond", "heapShare", "loopDelayMs"] }),
      ">",
      0,
    ),
    ({ server, limit }) => `${server} sends clients away: ${limit}`,
    "More servers, or a higher limit where memory and CPU leave room.",
  ),
  alert(
    ...(["NanoPushesLost", "ticket", undefined, where(increase("nano_gaps_total", "10m"), ">", 0)] as const),
    ({ server }) => `sessions of ${server} missed pushes and were reset: a link stayed broken or was full`,
    "`nano_links`, `nano_link_queue_bytes` and the network between the servers. Clients were told, and have loaded anew.",
  ),
  alert(
    ...(["NanoStrangers", "page", "5m"] as const),
    where(
      fold(
        "sum",
        ["server", "kind", "reason"],
        rate("nano_cluster_refused_total", "5m", { reason: ["token", "certificate", "signature", "capability"] }),
      ),
      ">",
      0,
    ),
    ({ server, kind, reason }) => `somebody without the right to it is at the cluster port of ${server} (${kind}: ${reason})`,
    "A server with an old token or certificate, or somebody who should not reach that port: the log has the address.",
  ),
  alert(
    ...(["NanoViewsDiffer", "ticket", "2m"] as const),
    where(fold("sum", ["type", "state"], now("nano_servers")), "!=", ifAllSaid("nano_servers", ["type", "state"])),
    ({ type }) => `servers do not agree on how many ${type} servers there are`,
    "One of them is cut off from discovery, or has another prefix: compare `nano_servers` by server.",
  ),
  alert(
    ...(["NanoEventLoopBlocked", "ticket", "5m"] as const),
    where(outside("nodejs_eventloop_lag_p99_seconds"), ">", lateSeconds),
    ({ server }) => `${server} is held up by its own work`,
    "A profile, or the watchdog's lines in the log; more servers where it is load alone.",
  ),
  alert(
    ...(["NanoHandlerBlocks", "ticket", "5m"] as const),
    where(fold("sum", ["server", "route"], rate("nano_blocked_seconds_total", "5m")), ">", blockedShare),
    ({ server, route }) => `${route} keeps everybody on ${server} waiting for over ${percent(blockedShare)} of the time`,
    "The server's log says where in the code.",
  ),
  alert(
    ...(["NanoDiscoveryAway", "page", "1m", where(now("nano_discovery_available"), "==", 0)] as const),
    ({ server }) => `${server} does not reach discovery`,
    "It goes on with the servers that it knows: new ones are not found, and keys without a home get none. Is etcd up, and has it a leader?",
  ),
  alert(
    ...(["NanoLinkQueue", "ticket", "1m", where(now("nano_link_queue_bytes"), ">", waitingBytes)] as const),
    ({ server }) => `${server} has over ${waitingBytes / 1e6} MB that wait on links: another server is too slow, or out of reach`,
    "A link takes 4 MiB that wait for credit. Whose event loop is blocked?",
  ),
];

const rules = alerts.map(({ name, expr, lasting, severity, summary, look }) => ({
  ...{ alert: name, expr, ...(lasting === undefined ? {} : { for: lasting }) },
  ...{ labels: { severity }, annotations: { summary, description: look.replaceAll("`", "") } },
}));
const yaml = `# Made from the list of metrics by \`npm run generate\`: what to be woken for. \`rule_files: [alerts.yml]\` in Prometheus.
${stringify({ groups: [{ name: "nano", rules }] }, { lineWidth: 0 })}`;

const shown = (text: string): string => text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, "*$1*").replaceAll("|", "\\|");
const page = `# Alerts

Made from the list of [metrics](../metrics.md) by \`npm run generate\`, with the rules themselves: [\`prometheus/alerts.yml\`](../prometheus/alerts.yml). Limits are a beginning, and yours to move.
A *page* wakes somebody, a *ticket* waits for the morning.

| alert | is | for | says | look at |
| --- | --- | --- | --- | --- |
${alerts.map(({ name, severity, lasting = "", summary, look }) => `| \`${name}\` | ${severity} | ${lasting} | ${shown(summary)} | ${shown(look)} |`).join("\n")}
`;

const [folder = fileURLToPath(new URL("../docs", import.meta.url))] = argv.slice(2);
for (const [name, text] of Object.entries({ "prometheus/alerts.yml": yaml, "reference/alerts.md": page })) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
