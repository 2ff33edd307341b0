import { type Client, createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { RoomClient } from "../examples/chat/gen/chat/v1/chat_client.ts";

/** A client of the gate, and what it has heard. */
export interface Person {
  readonly client: Client;
  readonly room: RoomClient;
  /** As "said ann: hi", "joined bob", "left bob". */
  readonly heard: readonly string[];
  close(): Promise<void>;
}

/** @param address Of the gate's TCP acceptor. */
export async function connectPerson(address: string, encoding: "json" | "protobuf"): Promise<Person> {
  const [host = "", port] = address.split(":");
  const client = createClient({ transport: tcp({ host, port: Number(port) }), encoding });
  const room = client.service(RoomClient);
  const heard: string[] = [];
  room.onSaid(({ name, text }) => void heard.push(`said ${name}: ${text}`));
  room.onJoined(({ name }) => void heard.push(`joined ${name}`));
  room.onLeft(({ name }) => void heard.push(`left ${name}`));
  await client.connect();
  return { client, room, heard, close: () => client.close() };
}
