import { allowsOrigin } from "../../../src/acceptor/origin.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const pairs = [
  "https://game.example|game.example",
  "http://game.example:8080|game.example:8080",
  "http://localhost:5173|localhost:3000",
  "http://[::1]:1|[::1]:2",
  "http://127.0.0.1|127.9.9.9:80",
  "https://game.example|game.example:443",
  "null|game.example",
  "|game.example",
  "https://game.example|",
  "|",
  "file://|x",
  "https://user:pass@game.example|game.example",
  "https://game.example/path|game.example",
  "https://GAME.example|game.example",
  "https://xn--n3h.example|☃.example",
  "javascript:alert(1)|x",
  "http://[|[",
  "http://%|%",
  "http://a:99999|a:99999",
  "http://0x7f.1|127.0.0.1",
  "http://127.0.0.1.|localhost.",
  "https://game.example, https://other.example|game.example",
  "chrome-extension://abcdef|abcdef",
  "https://game.example|game.example/../x?y#z",
  "https://game.example|user@game.example",
];

/** The Origin and Host headers of an upgrade, with a bar between. */
export const origin: Target = {
  name: "origin",
  throws: undefined,
  maxBytes: 16_384,
  tokens: [
    "http://",
    "https://",
    "localhost",
    "127.0.0.1",
    "[::1]",
    ":",
    "@",
    "/",
    "\\",
    "?",
    "#",
    "%",
    "xn--",
    ".",
    "|",
    ":443",
    "é",
    "null",
  ],
  seeds: () => Object.fromEntries(pairs.map((pair, index) => [`pair-${index}`, bytesOf(pair)])),
  run(bytes) {
    const [page = "", host = ""] = Buffer.from(bytes).toString("latin1").split("|");
    for (const tls of [false, true]) {
      if (!allowsOrigin(page, host, tls, ["https://listed.example"]) || page === "https://listed.example") continue;
      const { protocol, origin: itself } = new URL(page);
      holds((protocol === "http:" || protocol === "https:") && itself === page, `"${page}" may connect to "${host}"`);
    }
  },
};
