import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const url = new URL(process.env.PORTAL);
export const token = url.hash.replace("#token=", "");

/** Opens a browser; what any page of it complains of is gathered. */
export async function open() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-precise-memory-info"],
  });
  const complaints = [];
  /** A page as who opens the printed URL has it, on one of its parts. */
  const page = async (part = "flow", options = {}) => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
    page.setDefaultTimeout(15_000);
    page.on("console", (m) => m.type() === "error" && !/status of 4\d\d|ERR_/.test(m.text()) && complaints.push(m.text()));
    page.on("pageerror", (e) => complaints.push(e.message));
    page.on("request", (r) => !/^(blob:|data:)/.test(r.url()) && new URL(r.url()).origin !== url.origin && complaints.push("asked for " + r.url()));
    await page.goto(url.href);
    if (part !== "flow") await go(page, part);
    return page;
  };
  return { browser, page, complaints };
}

export async function go(page, part) {
  await page.evaluate((part) => (location.hash = "#/" + part), part);
  await page.locator("h1").waitFor();
}

/** Changes something as the page does. */
export async function post(path, body, headers = {}) {
  return fetch(new URL(path, url), { method: "POST", body: JSON.stringify(body), headers: { Authorization: `Bearer ${token}`, ...headers } });
}

/** Waits until something holds. */
export async function until(what, holds, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `in ${seconds} s it did not come to this: ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}
