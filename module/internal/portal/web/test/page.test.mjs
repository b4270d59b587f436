import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { go, open, post, until, url } from "./browser.mjs";

const parts = ["flow", "signals", "signals/machineTemperature", "twin", "guests", "messages", "messages/deadletters", "methods", "faults"];
const shots = process.env.SHOTS;

let page, browser, complaints;
const running = () => page.locator("table tr", { hasText: "machineTemperature" }).getByText("running").isVisible();
const total = async (name) => Number((await page.locator(".figure", { hasText: name }).first().innerText()).match(/([\d,]+) in all/)[1].replaceAll(",", ""));

before(async () => {
  ({ browser, page, complaints } = await open().then(async (o) => ({ ...o, newPage: o.page, page: await o.page() })));
  await until("the signals run", running, 60); // the guest is compiled
});
after(() => browser.close());

test("the first sight comes within a second", async () => {
  const times = [];
  for (let n = 0; n < 3; n++) {
    await page.goto("about:blank");
    const began = performance.now();
    await page.goto(url.href);
    await page.locator(".flow .node").first().waitFor();
    times.push(performance.now() - began);
  }
  assert.ok(Math.min(...times) < 1000, `${times.map(Math.round)} ms`);
});

test("the token does not stay in the address", () => assert.equal(new URL(page.url()).hash, "#/flow"));

test("the flow tells the rates of what runs through it", async () => {
  for (const name of ["thermometer", "sensor", "threshold", "alerts", "$upstream"]) await page.locator(".node b", { hasText: name }).first().waitFor();
  await until("messages run", async () => (await page.locator(".wires .live").count()) >= 4);
});

test("a click on a signal leads to its values and messages, and one makes a test case", async () => {
  await page.locator("a.node.signal", { hasText: "Temperature" }).filter({ hasText: "Machine" }).click();
  await page.getByRole("heading", { name: "machineTemperature" }).waitFor();
  await until("values are drawn", async () => Number(await page.locator(".plot").getAttribute("data-points")) > 10);
  await until("messages are listed", async () => (await page.locator(".messages li").count()) > 2);
  await page.getByRole("button", { name: "Hold still" }).click();
  await page.locator(".messages summary").first().click();
  await page.getByRole("heading", { name: "Input sensor" }).first().waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as a test case" }).first().click()]);
  assert.equal(download.suggestedFilename(), "machineTemperature.test.yaml");
  const file = `${dirname(process.env.DROPPED)}/machineTemperature.test.yaml`;
  await download.saveAs(file);
  const { status, stdout, stderr } = spawnSync(process.env.COMMAND, ["test", file, "--guests", process.env.GUESTS], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});

test("a threshold that is edited is seen at work at once", async () => {
  const limits = () => page.locator(".plot").getAttribute("data-limits");
  assert.equal(await limits(), "high=10");
  const before = await total("out");
  await until("values above the limit are sent", async () => (await total("out")) > before);
  const high = page.locator(".field", { hasText: "high" });
  await high.getByRole("textbox").fill("1000");
  await high.getByRole("button", { name: "Apply" }).click();
  await until("the plot has the new limit", async () => (await limits()) === "high=1000");
  let held = -1;
  await until("nothing is sent below it", async () => {
    const [last, now] = [held, await total("out")];
    held = now;
    await page.waitForTimeout(700); // seven values
    return last === now;
  });
  await high.getByRole("textbox").fill("10");
  await high.getByRole("button", { name: "Apply" }).click();
  await until("values are sent again", async () => (await total("out")) > held);
});

test("a pause is seen at a glance, and ends", async () => {
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator(".bar > .badge.paused").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator(".bar > .badge.ok").waitFor();
});

test("a bad twin is marked at its line and refused", async () => {
  await go(page, "twin/machineTemperature");
  const editor = page.locator(".editor .cm-content");
  await editor.waitFor();
  await replaceInEditor('"high": 10', '"high": 10 }, "samplingIntervalMs": -5, "properties": {');
  const mark = page.locator(".editor .cm-lintRange-error").first();
  await mark.waitFor();
  assert.match(await mark.innerText(), /samplingIntervalMs/);
  assert.match(await page.locator(".findings .refused").innerText(), /signals\.machineTemperature\.samplingIntervalMs/);
  assert.ok(await page.getByRole("button", { name: "Save as a patch" }).isDisabled());
  const answer = await post("/api/twin", { patch: { signals: { machineTemperature: { samplingIntervalMs: -5 } } } });
  assert.equal(answer.status, 422);
  await page.getByRole("button", { name: "Undo all" }).click();
});

test("the editor proposes what the schema knows, and tells what it means", async () => {
  await page.locator(".editor .cm-line", { hasText: '"alerts"' }).click();
  await page.keyboard.press("End");
  await page.keyboard.type('\n"deadbandV');
  await page.locator(".editor .cm-tooltip-autocomplete li", { hasText: "deadbandValue" }).click();
  await page.locator(".editor .cm-line", { hasText: '"deadbandValue": 0' }).waitFor();
  await page.getByRole("button", { name: "Undo all" }).click();
  await page.locator(".editor .cm-line", { hasText: '"selector"' }).first().getByText('"selector"').hover();
  await page.locator(".editor .cm-help", { hasText: "selector" }).waitFor();
  await page.mouse.move(0, 0);
});

test("a good change is saved as a patch, and reported answers to it", async () => {
  await replaceInEditor('"high": 10', '"high": 11');
  await page.getByRole("button", { name: "Save as a patch" }).click();
  await page.getByText(/desired version \d+/).waitFor();
  await page.locator(".tree mark").first().waitFor();
});

test("a guest that is dropped is inspected, and bound to a signal", async () => {
  await go(page, "guests");
  await page.locator(".file input").setInputFiles(process.env.DROPPED);
  await page.getByText("runs here, as edge/1").waitFor();
  await page.getByRole("combobox", { name: /^Signal/ }).selectOption("machineTemperature");
  await page.getByRole("button", { name: "Bind" }).click();
  await page.getByRole("heading", { name: "machineTemperature" }).waitFor();
  await until("the signal has it", async () => (await page.locator(".panel", { hasText: "Settings" }).first().innerText()).includes("through dropped"));
  await page.locator(".bar > .badge.ok").waitFor({ timeout: 20_000 });
});

test("what is no guest is told to be none", async () => {
  await go(page, "guests");
  await page.locator(".file input").setInputFiles({ name: "text.wasm", mimeType: "application/wasm", buffer: Buffer.from("no") });
  await page.getByText("does not run here").waitFor();
});

test("a fault is seen, and so is that nothing was lost by it", async () => {
  await go(page, "faults");
  await page.getByRole("button", { name: "Cut the connection" }).click();
  await page.locator(".log .disconnected").waitFor();
  await page.locator(".log .connected").first().waitFor();
  await page.locator(".top .badge.ok").waitFor({ timeout: 20_000 });
  await page.getByText("nothing is lost").waitFor();
});

test("a poisoned message becomes a dead letter that says why", async () => {
  await page.getByRole("button", { name: "Poison a message" }).click();
  await until("it is counted", async () => /[1-9]\d* dead letter/.test(await page.locator(".top").innerText()));
  await page.locator(".top a").click();
  await page.locator(".messages li").first().waitFor();
  assert.match(await page.locator(".messages .tag.bad").first().innerText(), /\w/);
  await page.getByRole("searchbox").fill("no such words");
  await page.getByText("Nothing matches.").waitFor();
});

test("a direct method answers", async () => {
  await go(page, "methods");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText(/answered 200/).waitFor();
  assert.match(await page.locator(".answer").innerText(), /"wasmtime"/);
});

test("all of it can be reached by keyboard", async () => {
  await page.goto("about:blank");
  await page.goto(url.href);
  await page.locator(".flow .node").first().waitFor();
  const focus = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  const tabTo = async (text) => {
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press("Tab");
      if ((await focus()) === text) return;
    }
    assert.fail(`Tab does not lead to ${text}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focus(), "Skip to content");
  await tabTo("Faults");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Account" }).waitFor();
  assert.equal(await focus(), "Faults", "the heading of the part has the focus");
  await tabTo("Restart the hub");
  await page.keyboard.press("Enter");
  await page.getByText(/^restart 2s:/).waitFor();
});

for (const scheme of ["light", "dark"])
  test(`the ${scheme} scheme can be read`, async () => {
    await page.emulateMedia({ colorScheme: scheme });
    for (const [ink, ground] of [["--ink", "--surface"], ["--muted", "--surface"], ["--muted", "--bg"], ["--accent", "--surface"], ["--ok", "--surface"], ["--warn", "--surface"], ["--bad", "--surface"], ["--paused", "--surface"]]) {
      const ratio = await page.evaluate(contrast, [ink, ground]);
      assert.ok(ratio >= 4.5, `${ink} on ${ground} has a contrast of ${ratio.toFixed(2)}`);
    }
  });

for (const width of [360, 820, 1440, 2200])
  test(`nothing sticks out at ${width} px`, async () => {
    await page.setViewportSize({ width, height: 860 });
    for (const part of parts) {
      await go(page, part);
      await page.waitForTimeout(150); // the layout settles
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, part);
      if (shots) await page.screenshot({ path: `${shots}/${part.replace("/", "-")}-${width}.png`, caret: "initial" }); // hiding it takes a style that the policy refuses
    }
  });

test("everything that can be pressed or filled in has a name", async () => {
  await page.setViewportSize({ width: 1280, height: 860 });
  for (const part of parts) {
    await go(page, part);
    const nameless = await page.evaluate(() => [...document.querySelectorAll("a, button, input, select, textarea")].filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML));
    assert.deepEqual(nameless, [], part);
  }
});

test("nothing was loaded from elsewhere, and the policy had nothing to refuse", () => assert.deepEqual(complaints, []));

/** Replaces a text in the editor by typing. */
async function replaceInEditor(from, to) {
  await page.locator(".editor .cm-content").focus();
  await page.keyboard.press("Control+a");
  const text = (await (await fetch(new URL("/api/twin", url))).json()).desired;
  const whole = JSON.stringify(text, null, 2);
  assert.ok(whole.includes(from), `the twin has ${from}`);
  await page.keyboard.insertText(whole.replace(from, to));
}

/** The contrast of two of the page's colours, as WCAG 2 counts it. Runs in the page. */
function contrast([ink, ground]) {
  const canvas = document.createElement("canvas").getContext("2d");
  const light = (name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    probe.remove();
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}
