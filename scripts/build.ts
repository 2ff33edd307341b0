// Emits dist/: the library by tsc, the plugin and nano-cli talk as one file each.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../plugin/build.ts";
import { bundleTalk } from "./bundle-talk.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(1);
await bundleTalk(`${root}/dist/src/cli/talk/talk-command.js`);
await buildPlugin(`${root}/dist/plugin/protoc-gen-nano.js`);
