// Walks through a collector's pages in a real browser and says what is wrong with them.
//
// It is given a plan on standard input, as JSON:
//   origin     where the collector is, "http://127.0.0.1:1234"
//   first      a one-time link that signs in
//   triage     the list of alerts, with a range that holds some
//   addresses  every address there is; those that answer with a page are walked through
//   front      the page that lives
//   folder     where pictures go
//   profile    an empty folder for what the browser keeps
//   chromium   the browser's name
//   missing    addresses that lead nowhere, whose page is looked at too
//   words      { title, news: [..] } as the screen says them in bokmål
//   hostile    words that pages must show as they are
// It prints lines of JSON: {"ready": true} when something may happen (see `live`), at last {"faults": [..], "pages": [..],
// "octets": n, "fetched": [..]}: the addresses of the pages, and what the first page weighs with all it fetches. It ends with 0
// unless it could not do its work.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { seat } from "./seat.mjs";

const plan = JSON.parse(readFileSync(0, "utf8").split("\n", 1)[0]);
const { allowed, everywhere, fault, faults, judge, open: openAs } = seat(plan);
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const open = (profile, more = {}) => openAs(profile, known, more);

// Of whoever has signed in: what the link was good for once.
let known = [];

const signIn = async ({ context, page }) => {
  await page.goto(plan.first);
  await judge(page, "the link that signs in");
  await page.screenshot({ path: join(plan.folder, "link-1280-light.png") });
  await Promise.all([page.waitForURL((url) => url.pathname === plan.front), page.locator("#take button").click()]);
  known = await context.cookies();
};

// Which of the addresses are pages.
const pages = async (context) => {
  const found = [];
  for (const address of plan.addresses) {
    const head = await context.request.head(plan.origin + address, { maxRedirects: 0 });
    if (!(head.headers()["content-type"] ?? "").startsWith("text/html")) continue;
    if (head.status() !== 200) fault(address, `answers ${head.status()}`);
    else found.push(address);
  }
  return found;
};

const walk = async ({ context, page }) => {
  const all = await pages(context);
  const shown = new Set();
  for (const address of [...all, ...plan.missing]) {
    if (plan.missing.includes(address)) allowed.add("404");
    await page.goto(plan.origin + address);
    const name = address.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "front";
    const text = await page.evaluate(() => document.body.textContent);
    for (const word of plan.hostile) if (text.includes(word)) shown.add(word);
    await everywhere(page, address, plan.folder, name);
    allowed.clear();
  }
  for (const word of plan.hostile) if (!shown.has(word)) fault("hostile words", `no page shows ${word}`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  return all;
};

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  const box = e.getBoundingClientRect();
  return { id: e.id, tag: e.tagName, seen: box.width > 0 && box.height > 0 && e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) };
});

// The keyboard alone: past the bar, through the page, the list of keys, rows.
const keyboard = async ({ page }) => {
  const expect = (what, is) => { if (!is) fault("keyboard", what); };
  await page.goto(plan.origin + plan.front);
  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => ({ href: document.activeElement.getAttribute("href"), wide: document.activeElement.getBoundingClientRect().width }));
  expect(`the first stop leads past the bar and is seen, not ${JSON.stringify(skip)}`, skip.href === "#main" && skip.wide > 20);
  await page.keyboard.press("Enter");
  expect("the skip link leads into the page", (await focused(page)).id === "main");
  const positive = await page.evaluate(() => document.querySelectorAll("[tabindex]:not([tabindex='0'], [tabindex='-1'])").length);
  expect("no stop is out of turn", positive === 0);
  await page.goto(plan.origin + plan.front);
  const stops = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((e) => e.checkVisibility() && !e.disabled).length);
  const met = new Set();
  for (let i = 0; i < stops; i += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    expect(`focus on ${now.tag}#${now.id} is not seen`, now.seen);
    met.add(await page.evaluate(() => { const e = document.activeElement; e.dataset.met ??= String(Math.random()); return e.dataset.met; }));
  }
  expect(`${stops} stops, and Tab meets ${met.size}`, met.size === stops);

  await page.goto(plan.origin + plan.front);
  await page.keyboard.press("?");
  expect("? shows the list of keys", await page.locator("#keys").isVisible());
  await judge(page, "the list of keys");
  await page.screenshot({ path: join(plan.folder, "keys-1280-light.png") });
  await page.keyboard.press("Escape");
  expect("Esc closes it", !(await page.locator("#keys").isVisible()));
  await page.keyboard.press("j");
  const first = await page.evaluate(() => document.querySelector(".row-current")?.dataset.row);
  await page.keyboard.press("j");
  const second = await page.evaluate(() => document.querySelector(".row-current")?.dataset.row);
  expect(`j goes on from row to row, not ${first}, ${second}`, first && second && first !== second);
  await page.keyboard.press("k");
  expect("k goes back", (await page.evaluate(() => document.querySelector(".row-current")?.dataset.row)) === first);
  await Promise.all([page.waitForURL((url) => url.pathname !== plan.front), page.keyboard.press("o")]);
  await page.keyboard.press("g");
  await Promise.all([page.waitForURL((url) => url.pathname === plan.front), page.keyboard.press("o")]);
  await page.keyboard.press("?");
  await page.locator("#keys-switch").uncheck();
  await page.keyboard.press("Escape");
  for (const key of ["j", "?"]) await page.keyboard.press(key);
  const off = await page.evaluate(() => document.querySelector(".row-current") === null && !document.getElementById("keys").open);
  expect("switched off, no single key does anything", off);
  await page.reload();
  await page.keyboard.press("?");
  expect("that is remembered", !(await page.locator("#keys").isVisible()));
  await page.locator("#view-open").click();
  await page.locator("#keys-open").click();
  await page.locator("#keys-switch").check();
  await page.locator("#keys-close").click();
};

// While somebody reads, what is new is told and moves nothing; when it is asked for, it is there. Nobody reloads.
const live = async ({ page }) => {
  await page.goto(plan.origin + plan.front);
  const order = () => page.evaluate(() => [...document.querySelectorAll("#incidents [data-row]")].map((row) => row.dataset.row));
  await page.keyboard.press("j");
  const before = await order();
  tell({ ready: true });
  await page.locator("#live-show").waitFor({ state: "visible" });
  const said = await page.locator("#live-news").innerText();
  if (!plan.words.news.includes(said)) fault("live", `says "${said}" of what is new, not one of ${plan.words.news.join(", ")}`);
  const during = await order();
  if (during.join() !== before.join()) fault("live", `rows moved while somebody read: ${before} became ${during}`);
  await page.screenshot({ path: join(plan.folder, "live-1280-light.png") });
  await page.locator("#live-show").click();
  await page.waitForFunction((n) => document.querySelectorAll("#incidents [data-row]").length > n, before.length);
  // Nobody reads any more: what comes next comes by itself.
  await page.keyboard.press("Escape");
  await page.evaluate(() => window.scrollTo(0, 0));
};

// Triage by the keyboard alone: a row is acknowledged and undone; what needs a reason asks for it first.
const triage = async ({ page }) => {
  const expect = (what, is) => { if (!is) fault("triage", what); };
  await page.goto(plan.origin + plan.triage);
  await page.keyboard.press("j");
  await Promise.all([page.locator("#toast").waitFor({ state: "visible" }), page.keyboard.press("a")]);
  await judge(page, "alerts with what was just done");
  await page.screenshot({ path: join(plan.folder, "triage-1280-light.png") });
  await page.locator("#undo").focus();
  await Promise.all([page.locator("#toast").waitFor({ state: "detached" }), page.keyboard.press("Enter")]);
  await page.waitForLoadState();
  await page.goto(`${plan.origin}/angre`);
  expect("undone, there is nothing that can be undone", (await page.locator("#undo-page form").count()) === 0);
  await page.goto(plan.origin + plan.triage);
  await page.keyboard.press("j");
  await page.keyboard.press("u");
  expect("what needs a reason leads to where it is written", (await focused(page)).id === "reason");
  await page.keyboard.type("prøve");
  await Promise.all([page.locator("#toast").waitFor({ state: "visible" }), page.keyboard.press("Enter")]);
  expect("what is muted is counted over the list", await page.locator("#hidden").isVisible());
};

// Read without a script, in colours of the reader's choice.
const plain = async () => {
  const { context, page } = await open("plain", { javaScriptEnabled: false, colorScheme: "light" });
  await page.goto(plan.origin + plan.front);
  if (!(await page.locator("h1").innerText()).includes(plan.words.title)) fault("without script", "no heading");
  await page.locator("#view-open").click();
  await page.locator("#scheme-dark").click();
  await page.goto(plan.origin + plan.front);
  const scheme = await page.locator("html").getAttribute("data-color-scheme");
  if (scheme !== "dark") fault("without script", `dark was chosen and ${scheme} is shown`);
  await page.screenshot({ path: join(plan.folder, "plain-1280-chosen-dark.png") });
  await context.close();
};

// The first page with all that comes along, as it goes over the wire; then what a second visit fetches again.
const weigh = async () => {
  const { context, page } = await open("fresh");
  const weights = [];
  const fetched = [];
  page.on("requestfinished", async (request) => {
    if (request.url().endsWith("/live")) return;
    fetched.push(new URL(request.url()).pathname);
    weights.push(request.sizes().then((s) => s.responseBodySize + s.responseHeadersSize));
  });
  await page.goto(plan.origin + plan.front, { waitUntil: "load" });
  await page.locator("#live").waitFor({ state: "visible" });
  const octets = (await Promise.all(weights)).reduce((sum, one) => sum + one, 0);
  const first = [...fetched];
  await page.goto(`${plan.origin}${plan.front}?again=1`, { waitUntil: "load" });
  const again = [];
  for (const entry of await page.evaluate(() => performance.getEntriesByType("resource").map((e) => [new URL(e.name).pathname, e.transferSize]))) {
    if (entry[0].startsWith("/assets/") && entry[1] > 0) again.push(entry[0]);
  }
  if (again.length) fault("cache", `fetched once more: ${again.join(" ")}`);
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await page.screenshot({ path: join(plan.folder, "front-1280-forced.png"), fullPage: true });
  await page.emulateMedia({ forcedColors: "none", media: "print" });
  await page.screenshot({ path: join(plan.folder, "front-1280-print.png"), fullPage: true });
  await context.close();
  return { octets, first };
};

// What cannot be gone through to its end is a fault, and the rest is walked all the same.
const step = async (name, walked) => {
  try { return await walked(); } catch (error) { fault(name, error.message.split("\n").slice(0, 3).join("; ")); return undefined; }
};

const site = await open("reader");
await step("sign in", () => signIn(site));
const weight = await step("weight", weigh);
const all = await step("pages", () => walk(site));
await step("keyboard", () => keyboard(site));
await step("live", () => live(site));
await step("triage", () => triage(site));
await site.context.close();
await step("without script", plain);
tell({ faults, pages: all ?? [], octets: weight?.octets ?? 0, fetched: weight?.first ?? [] });
