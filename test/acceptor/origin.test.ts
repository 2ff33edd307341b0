import { describe, expect, test } from "vitest";
import { allowsOrigin } from "../../src/acceptor/origin.ts";

describe("allowsOrigin()", () => {
  test.each([
    // The page of the very host, on the very port.
    ["https://example.com", "example.com", "https"],
    ["https://example.com", "example.com:443", "https"],
    ["https://example.com:8443", "example.com:8443", "https"],
    ["http://example.com", "example.com", "http"],
    ["http://example.com", "example.com:80", "http"],
    ["http://example.com:8080", "EXAMPLE.com:8080", "http"],
    ["http://10.0.0.1:8080", "10.0.0.1:8080", "http"],
    ["http://[2001:db8::1]:8080", "[2001:db8::1]:8080", "http"],
    ["https://xn--bcher-kva.example", "xn--bcher-kva.example", "https"],
    // On loopback from any port: a page under development.
    ["http://localhost:3000", "localhost:3250", "http"],
    ["http://127.0.0.1:3000", "127.0.0.1:3250", "http"],
    ["http://127.8.9.10", "127.8.9.10:3250", "http"],
    ["http://[::1]:3000", "[::1]:3250", "http"],
    ["https://localhost", "localhost:3250", "http"],
  ])("%s may ask %s over %s", (origin, host, scheme) => {
    expect(allowsOrigin(origin, host, scheme === "https", [])).toBe(true);
  });

  test.each([
    ["another host", "https://evil.com"],
    ["a prefix", "https://evil-example.com"],
    ["no dot before it", "https://evilexample.com"],
    ["a suffix", "https://example.com.evil.com"],
    ["a longer top domain", "https://example.community"],
    ["a shorter one", "https://example.co"],
    ["a subdomain", "https://chat.example.com"],
    ["a trailing dot", "https://example.com."],
    ["another scheme", "http://example.com"],
    ["no web scheme", "ftp://example.com"],
    ["a file", "file://"],
    ["an extension", "chrome-extension://example.com"],
    ["another port", "https://example.com:8443"],
    ["port 0", "https://example.com:0"],
    ["userinfo", "https://example.com@evil.com"],
    ["its own userinfo", "https://user@example.com"],
    ["a path", "https://example.com/"],
    ["a query", "https://example.com?"],
    ["upper case, which no browser sends", "https://EXAMPLE.com"],
    ["the default port written out, which no browser sends", "https://example.com:443"],
    ["look-alike letters", "https://ехample.com"],
    ["their punycode", "https://xn--xample-2of.com"],
    ["an address", "https://93.184.216.34"],
    ["a name of loopback", "https://localhost"],
    ["spaces", " https://example.com"],
    ["two of them", "https://example.com https://evil.com"],
    ["a list", "https://example.com, https://evil.com"],
    ["a line break", "https://example.com\n"],
    ["no scheme", "example.com"],
    ["no host", "https://"],
    ["null", "null"],
    ["nothing", ""],
    ["a tail of another address", "https://127.0.0.1.evil.com"],
  ])("refuses %s: %j", (_what, origin) => {
    expect(allowsOrigin(origin, "example.com", true, [])).toBe(false);
    expect(allowsOrigin(origin, "example.com", true, ["https://example.org"])).toBe(false);
  });

  test.each([
    ["http://localhost:3000", "127.0.0.1:3250"],
    ["http://127.0.0.1:3000", "127.0.0.2:3250"],
    ["http://127.0.0.1.evil.com:3250", "127.0.0.1:3250"],
    ["http://localhost.evil.com:3250", "localhost:3250"],
    ["http://evil.com:3250", "localhost:3250"],
    ["null", "localhost:3250"],
    ["http://example.com", ""],
    ["http://example.com", "?"],
    ["http://", ""],
  ])("refuses %s at %j", (origin, host) => {
    expect(allowsOrigin(origin, host, false, [])).toBe(false);
  });

  test("what is listed is taken letter by letter; any is all", () => {
    const listed = ["https://play.example.com", "null"];
    const asks = (origin: string): boolean => allowsOrigin(origin, "example.com", true, listed);
    expect(["https://play.example.com", "null", "https://example.com"].map(asks)).toEqual([true, true, true]);
    expect(
      ["https://play.example.com:443", "https://play.example.com/", "https://PLAY.example.com", "http://play.example.com"].map(
        asks,
      ),
    ).toEqual([false, false, false, false]);
    expect(allowsOrigin("https://evil.com", "example.com", true, "any")).toBe(true);
    // A star is no pattern here.
    expect(allowsOrigin("https://evil.com", "example.com", true, ["*"])).toBe(false);
    expect(allowsOrigin("https://a.example.com", "example.com", true, ["https://*.example.com"])).toBe(false);
  });
});
