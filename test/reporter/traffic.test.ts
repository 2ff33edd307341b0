import { connect as openSocket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { scrape, seriesOf, startChat } from "./scraped-chat.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test("a message is counted on each of its ways: to its turn, over a link, and as a call between servers", async () => {
  const { gate, room, play } = await startChat(cleanups);
  await play();
  expect(await scrape(room)).toEqual(
    expect.arrayContaining([
      'nano_queue_duration_seconds_count{route="room.room.join"} 2',
      'nano_call_duration_seconds_count{kind="handler",route="room.room.join"} 2',
      'nano_call_duration_seconds_count{kind="remote",route="room.roomAdmin.stats"} 1',
      'nano_links{state="open"} 1',
    ]),
  );
  expect(await scrape(gate)).toEqual(
    expect.arrayContaining([
      'nano_forward_duration_seconds_count{route="room.room.join"} 2',
      'nano_remote_call_duration_seconds_count{route="room.roomAdmin.stats"} 2',
      'nano_remote_calls_failed_total{route="room.roomAdmin.stats",code="unavailable"} 1',
      'nano_links{state="open"} 1',
      'nano_links{state="broken"} 0',
      "nano_groups 1",
      "nano_discovery_available 1",
    ]),
  );
  // What went in at one end of the link came out of the other.
  const out = await seriesOf(gate, 'nano_link_frames_total{direction="out"}');
  expect(out).toBeGreaterThan(2);
  expect(await seriesOf(room, 'nano_link_bytes_total{direction="in"}')).toBeGreaterThan(100);
  expect(await seriesOf(gate, "nano_link_queue_bytes")).toBe(0);
  // What a link has seen is not forgotten with it.
  await room.stop({ graceMs: 0 });
  await expect.poll(() => seriesOf(gate, 'nano_links{state="open"}')).toBe(0);
  expect(await seriesOf(gate, 'nano_link_frames_total{direction="out"}')).toBeGreaterThanOrEqual(out);
});

test("what goes to and fro between clients and a frontend is counted: messages, bytes, pushes by class", async () => {
  const { gate, play } = await startChat(cleanups);
  const client = await play();
  client.service(RoomClient).say({ text: "hello" });
  await expect.poll(() => seriesOf(gate, 'nano_pushes_total{delivery="replay",fate="sent"}')).toBeGreaterThanOrEqual(1);
  const lines = await scrape(gate);
  expect(lines).toEqual(
    expect.arrayContaining([
      'nano_pushes_total{delivery="replay",fate="replayed"} 0',
      'nano_pushes_total{delivery="latest",fate="collapsed"} 0',
      'nano_pushes_total{delivery="droppable",fate="dropped"} 0',
      'nano_connections{acceptor="tcp",state="open"} 1',
      'nano_connections{acceptor="tcp",state="handshake"} 0',
      'nano_connections{acceptor="ws",state="open"} 0',
    ]),
  );
  const pushes = await seriesOf(gate, 'nano_pushes_total{delivery="replay",fate="sent"}');
  // Two answers, one of them an error, and the pushes.
  expect(await seriesOf(gate, "nano_messages_sent_total")).toBe(2 + pushes);
  const [received, sent] = [await seriesOf(gate, "nano_received_bytes_total"), await seriesOf(gate, "nano_sent_bytes_total")];
  expect(received).toBeGreaterThan(100);
  expect(sent).toBeGreaterThan(100);
  await client.close();
  await expect.poll(() => seriesOf(gate, 'nano_sessions_closed_total{kind="left",code=""}')).toBe(1);
  expect(await seriesOf(gate, "nano_groups")).toBe(0);
});

test("handshakes that are refused are counted by what their client was told", async () => {
  const { gate } = await startChat(cleanups);
  const [host = "", port = ""] = (gate.addresses["tcp"] ?? "").split(":");
  const waits = openSocket({ host, port: Number(port) });
  cleanups.push(() => waits.destroy());
  await expect.poll(() => seriesOf(gate, 'nano_connections{acceptor="tcp",state="handshake"}')).toBe(1);
  // A handshake of three bytes, which are no JSON.
  waits.write(Uint8Array.of(1, 0, 0, 3, 120, 120, 120));
  await expect.poll(() => seriesOf(gate, 'nano_handshakes_refused_total{code="invalid_argument"}')).toBe(1);
  await expect.poll(() => seriesOf(gate, 'nano_connections{acceptor="tcp",state="handshake"}')).toBe(0);
  expect(await seriesOf(gate, 'nano_handshakes_refused_total{code="other"}')).toBe(0);
});

test("how long discovery takes is measured where what a server says of itself comes back to it", async () => {
  const { gate } = await startChat(cleanups);
  const before = await seriesOf(gate, "nano_discovery_lag_seconds_count");
  expect(before).toBeGreaterThanOrEqual(1);
  await gate.setMetadata({ zone: "a" });
  await expect.poll(() => seriesOf(gate, "nano_discovery_lag_seconds_count")).toBe(before + 1);
  // Nothing has changed: nothing comes back.
  await gate.setMetadata({ zone: "a" });
  await gate.setMetadata({ zone: "b" });
  await expect.poll(() => seriesOf(gate, "nano_discovery_lag_seconds_count")).toBe(before + 2);
});
