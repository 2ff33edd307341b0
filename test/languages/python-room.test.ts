import { testForeignRoom } from "./foreign-room.ts";
import { setUpPythonRoom, startPythonRoom } from "./python-room.ts";

testForeignRoom({ language: "Python", missing: setUpPythonRoom(), start: startPythonRoom });
