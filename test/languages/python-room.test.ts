import { testForeignCertificates } from "./foreign-certificates.ts";
import { type ForeignRoom, testForeignRoom } from "./foreign-room.ts";
import { setUpPythonRoom, startPythonRoom } from "./python-room.ts";

const room: ForeignRoom = { language: "Python", missing: setUpPythonRoom(), start: startPythonRoom };

testForeignRoom(room);
testForeignCertificates(room);
