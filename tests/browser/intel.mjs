// Pastes a warning, takes it in and publishes it, by the keyboard alone; and looks at each page of intelligence on the way.
//
// It is given a plan on standard input, as JSON:
//   origin     where the collector is, "http://127.0.0.1:1234"
//   first      a one-time link that signs in
//   warning    what is pasted
//   addresses  pages that are looked at when all is done
//   folder     where pictures go
//   profile    an empty folder for what the browser keeps
//   chromium   the browser's name
// It prints lines of JSON: {"waits": true} when a list waits for its signature, and goes on when a line is there to read; at last
// {"faults": [..], "strokes": n, "lines": [..], "words": ".."}: keys pressed from the pasted text to where it was published or waits, what
// became of each line, and what the page says at the end.
import { createInterface } from "node:readline";
import { join } from "node:path";
import { SCREENS } from "./reading.mjs";
import { seat } from "./seat.mjs";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse((await input.next()).value);
const { allowed, fault, faults, judge, layout, open } = seat(plan);
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const { context, page } = await open("publisher");
let strokes = 0;

const press = async (key) => { strokes += 1; await page.keyboard.press(key); };
const at = () => page.evaluate(() => document.activeElement?.id ?? "");
// Along the page until something has the focus; never further than there are stops.
const along = async (id) => {
  for (let i = 0; i < 80 && (await at()) !== id; i += 1) await press("Tab");
  if ((await at()) !== id) throw new Error(`Tab does not come to #${id}`);
};
const leads = async (key, to) => {
  await Promise.all([page.waitForURL((url) => to.test(url.pathname + url.search)), press(key)]);
  await page.waitForLoadState();
};
const look = async (name) => {
  const was = page.viewportSize();
  for (const { width, height, scheme } of SCREENS) {
    const where = `${name} (${width}, ${scheme})`;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await layout(page, where, width);
    await judge(page, where);
    await page.screenshot({ path: join(plan.folder, `intel-${name}-${width}-${scheme}.png`), fullPage: true });
  }
  await page.setViewportSize(was ?? { width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
};

let lines = [], words = "";
try {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(plan.first);
  await Promise.all([page.waitForURL((url) => url.pathname === "/"), page.locator("#take button").click()]);
  // Looked at beside the hands, on a page of its own: what is counted is what the hands do.
  await page.goto(`${plan.origin}/utkast`);
  if ((await at()) !== "text") fault("paste", `the text has the focus, not #${await at()}`);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: plan.origin });
  await page.evaluate((text) => navigator.clipboard.writeText(text), plan.warning);
  strokes = 0;
  await press("Control+v");
  await along("look");
  await leads("Enter", /^\/utkast\/lim/);
  lines = await page.locator("#lines tbody tr").allInnerTexts();
  if ((await at()) !== "take") fault("preview", `what takes it in has the focus, not #${await at()}`);
  const kept = strokes;
  await look("preview");
  await page.locator("#take").focus();
  strokes = kept;
  await leads("Enter", /^\/utkast\/neste/);
  const drafted = strokes;
  await look("draft");
  await page.locator("#main").focus();
  strokes = drafted;
  await along("publish");
  await leads("Enter", /^\/utkast(\?publisert=\d+)?$/);
  if (await page.locator("#waits").isVisible()) {
    await look("waits");
    tell({ waits: true });
    await input.next();
    await page.goto(`${plan.origin}/lister`);
    words = await page.locator("#published").innerText();
  } else {
    words = await page.locator("#done").innerText();
  }
  const pressed = strokes;
  for (const address of plan.addresses) {
    await page.goto(plan.origin + address);
    await look(address.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, ""));
  }
  strokes = pressed;
} catch (error) {
  fault(page.url(), error.message.split("\n").slice(0, 3).join("; "));
  await page.screenshot({ path: join(plan.folder, "intel-fault.png"), fullPage: true });
}
allowed.clear();
await context.close();
tell({ faults, strokes, lines, words });
process.exit(0);
