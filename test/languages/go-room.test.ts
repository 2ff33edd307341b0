import { testForeignCertificates } from "./foreign-certificates.ts";
import { type ForeignRoom, testForeignRoom } from "./foreign-room.ts";
import { setUpGoRoom, startGoRoom } from "./go-room.ts";

const room: ForeignRoom = { language: "Go", missing: setUpGoRoom(), start: startGoRoom };

testForeignRoom(room);
testForeignCertificates(room);
