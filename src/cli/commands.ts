import type { CommandEntry } from "./command.ts";

/** All that nano-cli does. */
export const commands: readonly CommandEntry[] = [
  {
    ...{ name: "talk", summary: "talks to a server: request, notify, on, ... (the default)" },
    load: async () => (await import("./talk/talk-command.ts")).talkCommand,
  },
  {
    ...{ name: "new", summary: "makes a working project" },
    load: async () => (await import("./new/new-command.ts")).newCommand,
  },
  {
    ...{ name: "registry", summary: "stands in for etcd while you develop, on this machine only" },
    load: async () => (await import("./registry/registry-command.ts")).registryCommand,
  },
  {
    ...{ name: "schema", summary: "writes the schema of services into a file, for servers in other languages" },
    load: async () => (await import("./schema/schema-command.ts")).schemaCommand,
  },
  {
    ...{ name: "release", summary: "notes what a release of your clients was generated from" },
    load: async () => (await import("./release/release-command.ts")).releaseCommand,
  },
  {
    ...{ name: "breaking", summary: "says what a schema changes for clients that were shipped" },
    load: async () => (await import("./breaking/breaking-command.ts")).breakingCommand,
  },
  {
    ...{ name: "docs", summary: "writes the documentation of a schema, and compares sizes of messages" },
    load: async () => (await import("./docs/docs-command.ts")).docsCommand,
  },
  {
    ...{ name: "servers", summary: "lists the servers of a cluster, as discovery holds them" },
    load: async () => (await import("./cluster/servers-command.ts")).serversCommand,
  },
  {
    ...{ name: "kick", summary: "sends users away, wherever they are" },
    load: async () => (await import("./cluster/user-commands.ts")).kickCommand,
  },
  {
    ...{ name: "push", summary: "pushes to users, wherever they are" },
    load: async () => (await import("./cluster/user-commands.ts")).pushCommand,
  },
  {
    ...{ name: "doctor", summary: "looks whether this machine can run servers, and says what is wrong and what to do" },
    load: async () => (await import("./doctor/doctor-command.ts")).doctorCommand,
  },
];
