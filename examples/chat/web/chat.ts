// The chat in a browser: the generated client, and as little page as it takes.
import { type Client, createClient, NanoError, webSocket } from "nano-rpc/client";
import { RoomClient } from "../gen/chat/v1/chat_client.ts";

const enter = element("enter", HTMLFormElement);
const room = element("room", HTMLInputElement);
const name = element("name", HTMLInputElement);
const problem = element("problem", HTMLElement);
const chat = element("chat", HTMLElement);
const lines = element("lines", HTMLOListElement);
const members = element("members", HTMLUListElement);
const say = element("say", HTMLFormElement);
const text = element("text", HTMLInputElement);

name.focus();
enter.addEventListener("submit", (event) => {
  event.preventDefault();
  problem.textContent = "";
  join().catch((reason: unknown) => {
    const error = NanoError.from(reason);
    problem.textContent = error.code === "already_exists" ? "Somebody has this name already." : error.message;
  });
});

async function join(): Promise<void> {
  const config: { readonly webSocketPort: number } = await (await fetch("/config.json")).json();
  const client = createClient({ transport: webSocket(`ws://${location.hostname}:${config.webSocketPort}`) });
  const service = client.service(RoomClient);
  const here = new Set<string>();
  service.onJoined((joined) => {
    here.add(joined.name);
    event(`${joined.name} came`);
    showMembers(here);
  });
  service.onLeft((left) => {
    here.delete(left.name);
    event(`${left.name} left`);
    showMembers(here);
  });
  service.onSaid((said) => line(said.name, said.text));
  client.onState((state) => {
    const words = state.name === "closed" ? `closed: ${state.reason.message}` : state.name === "waiting" ? "offline" : state.name;
    element("state", HTMLElement).textContent = words;
  });
  const login = async (): Promise<void> => {
    const answer = await service.join({ room: room.value, name: name.value });
    here.clear();
    for (const member of answer.members) here.add(member);
    showMembers(here);
  };
  // After a drop the session is a new one: what was typed meanwhile goes when this is through.
  client.onReset(login);
  // Who closes the tab has left; otherwise the others would wait until the session's window is over.
  addEventListener("pagehide", () => void client.close());
  await client.connect();
  try {
    await login();
  } catch (reason) {
    await client.close();
    throw reason;
  }
  open(client, service);
}

function open(client: Client, service: RoomClient): void {
  enter.hidden = true;
  chat.hidden = false;
  element("title", HTMLElement).textContent = room.value;
  client.onFailed(({ message }) => event(`not said: ${message}`));
  say.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    try {
      service.say({ text: text.value });
      text.value = "";
    } catch (reason) {
      event(`not said: ${NanoError.from(reason).message}`);
    }
  });
  text.focus();
}

function line(who: string, words: string): void {
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = who;
  item.append(author, words);
  append(item);
}

function event(words: string): void {
  const item = document.createElement("li");
  item.className = "event";
  item.textContent = words;
  append(item);
}

function append(item: HTMLElement): void {
  lines.append(item);
  item.scrollIntoView({ block: "nearest" });
}

function showMembers(here: ReadonlySet<string>): void {
  const items = [...here].sort().map((member) => {
    const item = document.createElement("li");
    item.textContent = member;
    item.classList.toggle("me", member === name.value);
    return item;
  });
  members.replaceChildren(...items);
}

function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} "${id}"`);
}
