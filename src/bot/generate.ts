import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { DescMessage } from "@bufbuild/protobuf";
import type { ClientService } from "../contract/index.ts";

interface CalledMethod {
  readonly name: string;
  readonly route: string;
  readonly kind: "request" | "notify";
  readonly input: DescMessage;
}

interface CalledService {
  /** As "RoomClient". */
  readonly client: string;
  /** What stands for it in the scenario, as "room". */
  readonly variable: string;
  readonly methods: readonly CalledMethod[];
}

/**
 * `nano-bot generate`: prints a scenario that calls every method of the services of a module, or writes it into a new file.
 * Throws a TypeError that says what is wrong.
 */
export async function generate(args: readonly string[], print: (line: string) => void): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: { out: { type: "string" } }, allowPositionals: true });
  const [module, ...others] = positionals;
  if (module === undefined || others.length > 0) throw new TypeError("it wants: generate MODULE");
  const text = await scenarioFor(module, values.out ?? "scenario.ts");
  if (values.out === undefined) return print(text.trimEnd());
  // A scenario that is there was changed by somebody.
  await writeFile(values.out, text, { flag: "wx" });
}

async function scenarioFor(module: string, out: string): Promise<string> {
  if (!existsSync(module)) throw new TypeError(`${module} is not there`);
  const loaded: Readonly<Record<string, unknown>> = await import(pathToFileURL(resolve(module)).href);
  const services = Object.entries(loaded).flatMap(([name, value]) => (isService(value) ? [calledOf(name, value)] : []));
  const methods = services.flatMap((service) => service.methods);
  if (methods.length === 0)
    throw new TypeError(
      `${module} has no methods to call: name what protoc-gen-nano printed for clients, as gen/chat/v1/chat_client.ts`,
    );
  const list = (line: (method: CalledMethod, service: CalledService) => string): string =>
    services.flatMap((service) => service.methods.map((method) => line(method, service))).join("\n");
  return `// By nano-bot generate, from ${module}: random traffic that keeps the rules of the schema. It is yours: log in where methods need a user, set weights, use answers.
import fc from "fast-check";
import { scenario } from "nano-rpc/bot";
import { messageArbitrary } from "nano-rpc/testing/schema";
import { ${services.map(({ client }) => client).join(", ")} } from "${pathFrom(out, module)}";
${imports(methods, module, out)}

// How often each is called beside the others: a whole number, 0 never.
const weights = {
${list(({ route }) => `  "${route}": 1,`)}
};

// Drawn before the run, so that it measures the server alone.
const inputs = {
${list(({ route, input }) => `  "${route}": fc.sample(messageArbitrary(${schemaName(input)}), 500),`)}
};

type Route = keyof typeof weights;
const turns = Object.entries(weights).flatMap(([route, weight]) => Array<Route>(weight).fill(route as Route));

export default scenario({
  name: "${services.map(({ variable }) => variable).join(", ")}",
  stages: [
    { users: 20, overMs: 5_000 },
    { users: 20, overMs: 60_000 },
  ],
  // What share of errors is well is for you to say: a valid message may name a room that there is not.
  thresholds: { p99Ms: 200 },
  async run(bot) {
${services.map(({ client, variable }) => `    const ${variable} = bot.service(${client});`).join("\n")}
    const one = <T>(of: readonly T[]): T => bot.pick(of as readonly [T, ...T[]]);
    const calls: { readonly [R in Route]: () => unknown } = {
${list(({ route, name, kind }, { variable }) => `      "${route}": () => ${variable}.${name}(one(inputs["${route}"]))${kind === "request" ? ".result()" : ""},`)}
    };
    await bot.repeat({ forMs: 30_000 }, async () => {
      await calls[one(turns)]();
      await bot.think(50, 250);
    });
  },
});
`;
}

function calledOf(client: string, { methods }: ClientService<unknown>): CalledService {
  const stem = client.replace(/Client$/, "");
  const called = Object.entries(methods).flatMap(([name, method]): CalledMethod[] =>
    method.kind === "push" ? [] : [{ name, route: method.route, kind: method.kind, input: method.input.schema }],
  );
  return { client, variable: `${stem.charAt(0).toLowerCase()}${stem.slice(1)}`, methods: called };
}

function isService(value: unknown): value is ClientService<unknown> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "client" && "methods" in value;
}

/** Where the schemas of the messages are: in the same generated folder, and protobuf's own in its package. */
function imports(methods: readonly CalledMethod[], module: string, out: string): string {
  const names = new Map<string, Set<string>>();
  const root = rootOf(methods, module);
  for (const { input } of methods) {
    const { name } = input.file;
    const from = name.startsWith("google/protobuf/") ? "@bufbuild/protobuf/wkt" : pathFrom(out, `${root}${name}_pb.ts`);
    names.set(from, (names.get(from) ?? new Set()).add(schemaName(input)));
  }
  return [...names].map(([from, those]) => `import { ${[...those].join(", ")} } from "${from}";`).join("\n");
}

/** The folder that everything is generated into: a module's path without that of its .proto. */
function rootOf(methods: readonly CalledMethod[], module: string): string {
  const path = resolve(module);
  for (const { input } of methods)
    if (path.endsWith(`/${input.file.name}_client.ts`)) return path.slice(0, -`${input.file.name}_client.ts`.length);
  // All messages are of other files: as deep as their package.
  const depth = methods[0]?.input.file.proto.package.split(".").length ?? 0;
  return `${resolve(dirname(path), ...Array<string>(depth).fill(".."))}/`;
}

/** As protoc-gen-es names it: those in messages by both. */
function schemaName(message: DescMessage): string {
  const { package: of } = message.file.proto;
  const path = of === "" ? message.typeName : message.typeName.slice(of.length + 1);
  return `${path.replaceAll(".", "_")}Schema`;
}

function pathFrom(file: string, to: string): string {
  const path = relative(dirname(resolve(file)), resolve(to)).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}
