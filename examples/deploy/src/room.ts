// Runs the rooms of the chat.
import { serve } from "nano-rpc";
import { chatRooms } from "../../chat/src/rooms.ts";
import { traces } from "./traces.ts";

await serve({ services: chatRooms(), ...traces });
