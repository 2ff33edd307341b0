// A room by hand as a process of its own: with what it is started (JSON), until SIGTERM.
import type { RoomOptions } from "./member.ts";
import { startRoom } from "./room.ts";

const options = JSON.parse(process.argv[2] ?? "") as RoomOptions;
const room = await startRoom(options);
process.once("SIGTERM", () => {
  void room.leave().then(() => {
    if (options.fault !== "does not end") process.exit(0);
  });
});
// What keeps the process when its port is closed.
setInterval(() => {}, 60_000);
console.log("ready");
