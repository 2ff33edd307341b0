import { type Browser, chromium, type Page } from "playwright-core";

/** Starts a real Chromium, where Debian puts it. Rejects where it is not installed. */
export function startChromium(): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}

/** Opens the chat's page in a tab of its own, and asks to join. */
export async function enterChat(
  browser: Browser,
  http: number,
  who: { readonly name: string; readonly room?: string },
): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${http}`);
  if (who.room !== undefined) await page.fill("#room", who.room);
  await page.fill("#name", who.name);
  await page.click("#enter button");
  return page;
}
