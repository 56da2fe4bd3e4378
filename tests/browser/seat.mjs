// A person at a real browser, as scripts of tests share it: the browser opened and watched, pages judged and measured, pictures taken.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.VARDE_NODE_MODULES, "playwright-core", "package.json"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(join(process.env.VARDE_NODE_MODULES, "axe-core", "axe.min.js"), "utf8");

export const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const RULES = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }, resultTypes: ["violations"] };
export const SCREENS = [
  { width: 1280, height: 900, scheme: "light" }, { width: 1280, height: 900, scheme: "dark" },
  { width: 320, height: 640, scheme: "light" }, { width: 320, height: 640, scheme: "dark" },
];
// How long anything may take before it counts as not happening.
const PATIENCE_MS = 60000;

// A seat for a plan { origin, profile, chromium }: `allowed` holds the statuses that a page is asked for on purpose, `faults` what is wrong.
export const seat = (plan) => {
  const faults = [], allowed = new Set();
  const fault = (where, what) => faults.push(`${where}: ${what}`);
  const browser = process.env.PATH.split(":").map((folder) => join(folder, plan.chromium)).find(existsSync);

  // What a page must never do, whichever it is.
  const watch = (context) => {
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("request", (request) => {
      if (!request.url().startsWith(`${plan.origin}/`)) fault("the browser", `asks ${request.url()}`);
    });
    context.on("console", (message) => {
      const status = /status of (\d+)/.exec(message.text())?.[1];
      if (["error", "warning"].includes(message.type()) && !allowed.has(status)) fault(message.page()?.url() ?? "a page", message.text());
    });
    context.on("weberror", (error) => fault("a script", String(error.error())));
    context.on("dialog", (dialog) => { fault("a page", `speaks up: ${dialog.message()}`); dialog.dismiss(); });
  };

  const open = async (profile, known = [], more = {}) => {
    const context = await chromium.launchPersistentContext(join(plan.profile, profile), {
      executablePath: browser, headless: true, args: FLAGS, locale: "nb-NO", ...more,
    });
    watch(context);
    if (known.length > 0) await context.addCookies(known);
    return { context, page: context.pages()[0] ?? (await context.newPage()) };
  };

  const judge = async (page, where) => {
    // What opens fades in, and colours on the way are nobody's to read.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map((each) => each.finished)));
    const has = await page.evaluate(() => typeof globalThis.axe);
    if (has === "undefined") await page.evaluate(AXE);
    const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
    for (const { id, nodes } of violations) {
      const [first] = nodes;
      fault(where, `axe ${id}, ${nodes.length} times, first ${first.target.join(" ")}: ${first.failureSummary.split("\n").slice(1).join("; ").trim()}`);
    }
  };

  const layout = async (page, where, width) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) {
      const who = await page.evaluate((most) => [...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().right > most + 1 && !e.closest(".scroll") && e.checkVisibility())
        .slice(0, 3).map((e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}.${e.className}`).join(" "), width);
      fault(where, `is ${wide} wide: ${who}`);
    }
    const [ones, mains] = await page.evaluate(() => ["h1", "main"].map((tag) => document.querySelectorAll(tag).length));
    if (ones !== 1 || mains !== 1) fault(where, `has ${ones} h1 and ${mains} main`);
  };

  return { allowed, fault, faults, judge, layout, open };
};
