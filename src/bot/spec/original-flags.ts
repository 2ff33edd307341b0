// What pitaya-bot was started with, and what stands for it here.
const config = `pitaya-bot's config is not read; in its place:
  server.host, server.tls      --url tcp://HOST:PORT, or tls://HOST:PORT
  server.handshake             --user JSON: its "user"
  server.requestTimeout        --timeout MS
  server.serializer            JSON; for protobuf a scenario on the generated client (nano-bot generate)
  server.protobuffer           the same
  bot.operation.maxSleep       {"type": "function", "uri": "sleep", "timeout": MS}; in a scenario bot.think
  bot.operation.stopOnError    always: what is not as it should be ends its user
  prometheus.port              --prometheus HOST:PORT
  storage, redis               --redis HOST:PORT
  kubernetes, manager          --processes N, and a Job of your own for more machines
  game                         the name of the job that reads --prometheus`;

const instead: readonly (readonly [flags: readonly string[], words: string])[] = [
  [["--config"], config],
  [["--dir", "-d"], "name the folder itself: nano-bot run specs --url tcp://HOST:PORT"],
  [["--duration"], "specs are played again with --users N --for MS"],
  [["--report-metrics"], "--prometheus HOST:PORT shows the run while it lasts, --report FILE and --json FILE when it is over"],
  [["--pitaya-bot-type", "-t"], "--processes N plays in so many processes; for more machines, start it on each"],
  [["--delete"], "nothing is left behind that could be deleted"],
  [["--verbose", "-v"], "what goes wrong is always told"],
  [["--logJSON", "-j"], "--json FILE writes the figures"],
];

/** What to use in place of a flag of pitaya-bot, or of its config as the file that is run; undefined where there is none of either. */
export function originalFault(args: readonly string[]): string | undefined {
  for (const [flags, words] of instead) {
    const found = args.find((arg) => flags.some((flag) => arg === flag || arg.startsWith(`${flag}=`)));
    if (found !== undefined) return `${found.split("=", 1)[0]} is pitaya-bot's: ${words}`;
  }
  const file = args.find((arg) => /^[^-].*\.ya?ml$/.test(arg));
  return file === undefined ? undefined : `${file}: ${config}`;
}
