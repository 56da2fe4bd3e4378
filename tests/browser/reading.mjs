// What every script here asks of a page: that axe finds nothing, that it fits, that what others wrote does nothing; and how a browser is started.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.VARDE_NODE_MODULES, "playwright-core", "package.json"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(join(process.env.VARDE_NODE_MODULES, "axe-core", "axe.min.js"), "utf8");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const RULES = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }, resultTypes: ["violations"] };
export const SCREENS = [
  { width: 1280, height: 900, scheme: "light" }, { width: 1280, height: 900, scheme: "dark" },
  { width: 320, height: 640, scheme: "light" }, { width: 320, height: 640, scheme: "dark" },
];
// From this width on a screen stands on a desk, in CSS pixels.
const DESK_MIN = 1280;
// How long anything may take before it counts as not happening.
export const PATIENCE_MS = 60000;

// A browser of this name with a folder of its own for what it keeps.
export const launch = (name, folder, more = {}) => chromium.launchPersistentContext(folder, {
  executablePath: process.env.PATH.split(":").map((place) => join(place, name)).find(existsSync),
  headless: true, args: FLAGS, locale: "nb-NO", ...more,
});

// The judges; what they find is told by `fault(where, what)`.
export const judges = (fault) => {
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
    // On a desk nobody scrolls a table sideways: what is off the edge is not looked at.
    if (width >= DESK_MIN) {
      const off = await page.evaluate(() => [...document.querySelectorAll("table")].filter((e) => e.checkVisibility()).map((table) => {
        const place = table.closest(".scroll") ?? table.parentElement;
        const [wide, room] = [Math.max(table.scrollWidth, place.scrollWidth), place.clientWidth];
        return wide > room + 1 ? `table in #${place.id || place.tagName.toLowerCase()} is ${wide} wide, in ${room}` : "";
      }).filter(Boolean));
      for (const what of off) fault(where, what);
    }
    const [ones, mains] = await page.evaluate(() => ["h1", "main"].map((tag) => document.querySelectorAll(tag).length));
    if (ones !== 1 || mains !== 1) fault(where, `has ${ones} h1 and ${mains} main`);
  };
  // What others wrote stands there as text: it has become no element, run nothing, turned nothing around.
  const harmless = async (page, where) => {
    const bad = await page.evaluate(() => {
      const found = [...document.querySelectorAll("*")].filter((e) => e.matches("script:not([src]), iframe, object, embed, style, img:not([src^='/assets/'])")
        || [...e.attributes].some((a) => a.name.startsWith("on") || /^\s*javascript:/i.test(a.value))).map((e) => e.outerHTML.slice(0, 120));
      if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML)) found.push("hidden characters");
      if (globalThis.ran) found.push("something ran");
      return found;
    });
    for (const what of bad) fault(where, what);
  };
  // On every screen, with a picture of each in `folder`.
  const everywhere = async (page, where, folder, name) => {
    await harmless(page, where);
    for (const { width, height, scheme } of SCREENS) {
      const at = `${where} (${width}, ${scheme})`;
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      await layout(page, at, width);
      await judge(page, at);
      await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`), fullPage: true });
    }
  };
  return { judge, layout, everywhere };
};
