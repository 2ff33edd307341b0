// Prints docs/reference/configuration.md from the settings' own tree; or to the file that is named.
import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { environmentName, type Setting, settingsIn, settingTree } from "../src/server/settings/index.ts";

const before = `# Configuration

Made from the code by \`npm run generate\`. What a server is made of are [options in code](../architecture.md); what of that is text can also come from outside, each before the one named before
it:

1. the options in the code that calls \`serve\`;
2. \`nano.config.ts\`, \`.js\`, \`.mjs\` or \`.json\` in the folder that the process runs in, or what \`--config FILE\` or \`NANO_CONFIG\` names: it exports an object by default,
   \`{ limits: { connections: 50_000 } }\`;
3. the environment: \`NANO_LIMITS_CONNECTIONS=50000\`;
4. flags: \`--limits.connections 50000\`. A switch is turned off by \`--no-dictionary\`.

A list has commas between its texts, outside a file; texts by names are \`region=eu,zone=b\`.

\`\`\`ts
// src/room.ts
import { serve } from "nano-rpc";
import { chatRooms } from "./rooms.ts";

await serve({ services: chatRooms(), limits: { messagesPerSecond: 20 } });
\`\`\`

\`\`\`sh
node src/room.ts --tcp.listen 0.0.0.0:3250 --etcd.endpoints 10.0.0.1:2379
\`\`\`

A key that is none, or a value that makes no sense, ends the process with exit code 2 and one line that names it, and says what was probably meant. So does every variable of the
environment that begins with \`NANO_\` and is none of these: in Kubernetes set \`enableServiceLinks: false\`, or name no service \`nano-...\`. A server that does not start for another reason
ends with 1. \`--help\` prints this list.

With \`workers\` above 1 the process starts that many others of the same script, which share the ports of clients (SO_REUSEPORT where the system has it; elsewhere the first process hands connections
out). Each is a server of its own in the cluster: \`id\` gets its number, and of \`cluster.listen\` and \`http.listen\` the nth worker takes the port counted on from the first. One that dies is started
again, later each time that it dies soon. SIGTERM and SIGINT are handed on; the process ends when all have.

`;

const rows = [...settingsIn(settingTree)].map(
  ([key, setting]) => `| \`${key}\` | ${kindOf(setting)} | ${setting.byDefault} | ${setting.doc} | \`${environmentName(key)}\` |`,
);
const table = ["| key | value | default | what | environment |", "| --- | --- | --- | --- | --- |", ...rows, ""].join("\n");

const [target = new URL("../docs/reference/configuration.md", import.meta.url)] = argv.slice(2);
writeFileSync(target, before + table);

function kindOf(setting: Setting): string {
  switch (setting.kind) {
    case "number":
      return setting.whole ? `whole number, at least ${setting.least}` : `number, at least ${setting.least}`;
    case "choice":
      return setting.of.map((one) => `\`${one}\``).join(" or ");
    case "flag":
      return "switch";
    case "map":
      return "texts by names";
    default:
      return setting.kind;
  }
}
