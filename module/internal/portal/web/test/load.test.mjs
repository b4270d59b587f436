import assert from "node:assert/strict";
import { test } from "node:test";
import { go, open, post, until } from "./browser.mjs";

const seconds = Number(process.env.SECONDS);
const signals = 1000;
const perSecond = 10; // messages, each of a value for every signal

/** Sends messages at a pace until it is stopped; one in a hundred values is new. */
function send() {
  let [n, stopped] = [0, false];
  const loop = (async () => {
    const began = performance.now();
    while (!stopped) {
      const body = Object.fromEntries(Array.from({ length: signals }, (_, i) => [`t${i}`, (n + i) % 100 === 0 ? n : Math.floor((n + i) / 100)]));
      await post("/api/messages", { module: "thermometer", output: "temperatureOutput", body: JSON.stringify(body) });
      n++;
      await new Promise((go) => setTimeout(go, Math.max(0, (n * 1000) / perSecond - (performance.now() - began))));
    }
  })();
  return { count: () => n, stop: () => ((stopped = true), loop) };
}

test(`a thousand signals and 10,000 values a second for ${seconds} s`, async (t) => {
  const { browser, page: newPage, complaints } = await open();
  const page = await newPage("signals");
  await until("the signals run", async () => /1000\/1,000|1,000\/1,000/.test(await page.locator(".top").innerText()), 60);
  const sender = send();
  await page.waitForTimeout(1500);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const measure = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { metrics } = await cdp.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map((m) => [m.name, m.value]));
  };
  const before = await measure();
  await page.evaluate(() => {
    window.gaps = [];
    let last = performance.now();
    const frame = (now) => (window.gaps.push(now - last), (last = now), requestAnimationFrame(frame));
    requestAnimationFrame(frame);
  });
  const [sent, began] = [sender.count(), performance.now()];
  await page.waitForTimeout((seconds * 1000) / 2);
  await go(page, "flow");
  await page.waitForTimeout((seconds * 1000) / 2);
  await go(page, "signals");
  const took = (performance.now() - began) / 1000;
  const values = ((sender.count() - sent) * signals) / took;
  const gaps = (await page.evaluate(() => window.gaps)).sort((a, b) => a - b);
  const after = await measure();
  await sender.stop();
  const [p50, p99, worst] = [gaps[gaps.length >> 1], gaps[Math.floor(gaps.length * 0.99)], gaps.at(-1)];
  const grown = (after.JSHeapUsedSize - before.JSHeapUsedSize) / 2 ** 20;
  t.diagnostic(`${Math.round(values)} values a second; frames: median ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, worst ${worst.toFixed(0)} ms; script ${(((after.ScriptDuration - before.ScriptDuration) / took) * 100).toFixed(1)} % of a processor; heap ${(before.JSHeapUsedSize / 2 ** 20).toFixed(1)} MB, ${grown.toFixed(1)} MB more at the end; elements ${before.Nodes} and ${after.Nodes}`);
  await browser.close();
  assert.ok(grown < 10, `the page grew by ${grown.toFixed(1)} MB`);
  assert.ok(after.Nodes < 6000, "only rows in sight are in the page");
  assert.ok(p99 < 250, `one frame in a hundred took more than ${p99.toFixed(0)} ms`);
  assert.deepEqual(complaints, []);
});
