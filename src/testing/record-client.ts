import type { Message } from "@bufbuild/protobuf";
import type { Client } from "../client/index.ts";
import {
  type Call,
  type CallOptions,
  type ClientMethod,
  type ClientService,
  type Codec,
  defaultTimeoutMs,
  type Init,
  type Listen,
} from "../contract/index.ts";
import { messageText } from "./message-text.ts";
import type { Seen, SeenHeard } from "./seen.ts";

type OfClient = Exclude<Seen, { readonly what: "ran" | "session" | "crashed" | "fault" }>;
/** What a client does, without when and whose. */
export type ClientNote = OfClient extends infer One ? (One extends OfClient ? Omit<One, "atMs" | "client"> : never) : never;

/** Where it is written down. */
export interface ClientNotes {
  note(one: ClientNote): void;
  nextCall(): number;
  placeOf(route: string, message: Message, session: string): SeenHeard["place"];
}

type Member = (init: Init<Message>, options?: CallOptions) => Call<Message>;

/** A client like another, of which is written down what it asks, tells, hears and becomes. */
export function recordClient(client: Client, timeoutMs: number | undefined, notes: ClientNotes): Client {
  const services = new Map<ClientService<unknown>, unknown>();
  let session = "";
  client.onState((state, before) => {
    if (state.name === "open") session = state.session;
    notes.note({
      what: "state",
      before: before.name,
      state: state.name,
      via: state.name === "open" ? state.via : undefined,
      session: state.name === "open" ? state.session : undefined,
      why: state.name === "waiting" ? state.error.message : state.name === "closed" ? state.reason.message : "",
    });
  });

  function hear(route: string, listen: Listen<Message>, { output }: { readonly output: Codec<Message> }): void {
    listen((message) => {
      notes.note({
        what: "heard",
        session,
        route,
        text: messageText(output, message),
        place: notes.placeOf(route, message, session),
      });
    });
  }

  function asking(method: ClientMethod & { readonly kind: "request" }, ask: Member): Member {
    return (init, options) => {
      const { route, input, idempotent = false } = method;
      const call = notes.nextCall();
      const within = options?.timeoutMs ?? method.timeoutMs ?? timeoutMs ?? defaultTimeoutMs;
      notes.note({ what: "asked", call, route, text: messageText(input, init), idempotent, timeoutMs: within });
      const asked = ask(init, options);
      void asked.result().then((result) => {
        if (result.ok) return notes.note({ what: "settled", call, outcome: "ok", sent: true, message: "" });
        const { code, message, metadata } = result.error;
        notes.note({ what: "settled", call, outcome: code, sent: metadata["outcome"] !== "not_sent", message });
      });
      return asked;
    };
  }

  function telling({ route, input }: ClientMethod & { readonly kind: "notify" }, tell: (init: Init<Message>) => void) {
    return (init: Init<Message>): void => {
      notes.note({ what: "told", call: notes.nextCall(), route, text: messageText(input, init) });
      tell(init);
    };
  }

  function recorded<C>(service: ClientService<C>): C {
    const plain = client.service(service) as Readonly<Record<string, unknown>>;
    const members = { ...plain };
    for (const [name, method] of Object.entries(service.methods)) {
      if (method.kind === "push") {
        const on = `on${name.charAt(0).toUpperCase()}${name.slice(1)}`;
        hear(method.route, plain[on] as Listen<Message>, method);
      } else if (method.kind === "notify") members[name] = telling(method, plain[name] as (init: Init<Message>) => void);
      else members[name] = asking(method, plain[name] as Member);
    }
    // The members are those of the service, each as it was but for the notes.
    return members as C;
  }

  return {
    ...client,
    get state() {
      return client.state;
    },
    service<C>(service: ClientService<C>): C {
      if (!services.has(service)) services.set(service, recorded(service));
      return services.get(service) as C;
    },
  };
}
