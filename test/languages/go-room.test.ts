import { testForeignRoom } from "./foreign-room.ts";
import { setUpGoRoom, startGoRoom } from "./go-room.ts";

testForeignRoom({ language: "Go", missing: setUpGoRoom(), start: startGoRoom });
