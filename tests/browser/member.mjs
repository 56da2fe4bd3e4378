// People of every role at a collector's pages, in a real browser: coming in by name, password and code; writing an advisory and confirming it;
// what each role is shown, and that none of it leads to a refusal.
//
// It is given a plan on standard input, as JSON:
//   origin    where the collector is
//   folder    where pictures go
//   profile   an empty folder for what browsers keep
//   chromium  the browser's name
//   invited   { name, link } of a publisher who has not chosen a password yet
//   links     by role, a one-time link that signs somebody in
//   campaign  the number of a campaign
//   words     { title, text, confirmed }
// At last it prints {"faults": [..], "crawled": {role: n}}.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PATIENCE_MS, judges, launch } from "./reading.mjs";

const PASSWORD = "blå elg spiser grus";
// Pages that one role follows the links of: as many as there are, and some room.
const CRAWLED_MAX = 400;
// Of one page, the ways to ask for it that are followed.
const QUERIES_MAX = 5;

const plan = JSON.parse(readFileSync(0, "utf8").split("\n", 1)[0]);
const faults = [];
const fault = (where, what) => faults.push(`${where}: ${what}`);
const expect = (what, is) => { if (!is) fault("expected", what); };
const { everywhere } = judges(fault);
const ELSEWHERE = "http://webmail.example";

const open = async (profile) => {
  const context = await launch(plan.chromium, join(plan.profile, profile));
  context.setDefaultTimeout(PATIENCE_MS);
  context.on("request", (request) => {
    if (![`${plan.origin}/`, `${ELSEWHERE}/`].some((own) => request.url().startsWith(own))) fault("the browser", `asks ${request.url()}`);
  });
  context.on("console", (message) => {
    // A form that is answered with what is wrong is no error.
    if (["error", "warning"].includes(message.type()) && !/status of 422/.test(message.text())) fault(message.page()?.url() ?? "a page", message.text());
  });
  context.on("weberror", (error) => fault("a script", String(error.error())));
  return { context, page: context.pages()[0] ?? (await context.newPage()) };
};

// RFC 6238 with SHA-1, thirty seconds and six digits, as telephones have it.
const code = (secret, ahead) => {
  let bits = "";
  for (const letter of secret.replace(/\s/g, "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((octet) => Number.parseInt(octet, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + ahead));
  const mac = createHmac("sha1", key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
};

const press = (page, selector) => Promise.all([page.waitForNavigation(), page.locator(selector).click()]);

// The invitation is accepted; then one comes in by name, password and code.
const comeIn = async (page) => {
  await page.goto(plan.invited.link);
  const secret = await page.locator("#secret").innerText();
  await page.fill("#password", PASSWORD);
  await page.fill("#again", PASSWORD);
  await page.fill("#code", code(secret, 0));
  await press(page, "#choose button");
  await page.goto(plan.origin);
  await press(page, "#sign-out");
  expect("who has signed out stands where one signs in", new URL(page.url()).pathname === "/innlogging");
  await page.fill("#name", plan.invited.name);
  await page.fill("#password", PASSWORD);
  // A code is taken once: the next one.
  await page.fill("#code", code(secret, 1));
  await press(page, "#sign-in button");
  expect("name, password and code lead in", new URL(page.url()).pathname === "/" && (await page.locator("#own").innerText()) === plan.invited.name);
};

const byLink = async (role) => {
  const person = await open(role);
  await person.page.goto(plan.links[role]);
  await press(person.page, "#take button");
  return person;
};

// An advisory is written from a campaign, looked over and sent. Gives its address.
const write = async (page) => {
  await page.goto(`${plan.origin}/kampanje/${plan.campaign}`);
  await press(page, "#write");
  expect("measures are proposed and chosen", (await page.locator("input[name=measure]:checked").count()) > 0);
  expect("its members are chosen", await page.locator("#to-campaign").isChecked());
  await everywhere(page, "writing", plan.folder, "writing");
  await press(page, "#write button[type=submit]");
  expect("what is wrong is said", (await page.locator("#problems li").count()) === 1);
  await everywhere(page, "writing, refused", plan.folder, "writing-refused");
  await page.fill("#title-nb", plan.words.title);
  await page.fill("#text-nb", plan.words.text);
  await press(page, "#write button[type=submit]");
  expect("the draft is shown as it is read", (await page.locator("#title-nb").innerText()) === plan.words.title);
  expect("who gets no mail is rung", (await page.locator("#calls-title").count()) === 1);
  await page.locator("#members-open").click();
  await everywhere(page, "a draft", plan.folder, "draft");
  await page.locator("#sett").check();
  await press(page, "#send-form button");
  expect("it was sent", (await page.locator("#calls").count()) === 1);
  return page.url();
};

// Every link on every page there is for somebody, from the front page on: none is refused, none leads nowhere.
const crawl = async (context, role) => {
  const waits = ["/"];
  const met = new Set(waits);
  while (waits.length > 0 && met.size < CRAWLED_MAX) {
    const path = waits.shift();
    const answer = await context.request.get(plan.origin + path, { maxRedirects: 0, headers: { "sec-fetch-site": "same-origin" } });
    if (answer.status() >= 400) { fault(`${role} at ${path}`, `is answered ${answer.status()}`); continue; }
    const to = answer.headers().location;
    const body = (answer.headers()["content-type"] ?? "").startsWith("text/html") ? await answer.text() : "";
    const hrefs = [...body.matchAll(/<a\s[^>]*href="([^"]*)"/g)].map(([, href]) => href.replace(/&#38;|&amp;/g, "&"));
    for (const href of [...hrefs, ...(to ? [to] : [])]) {
      if (/^(tel|mailto):/.test(href)) continue;
      const url = new URL(href, plan.origin + path);
      if (url.origin !== plan.origin) { fault(`${role} at ${path}`, `leads elsewhere: ${href}`); continue; }
      // The same page in other words and colours.
      if (url.searchParams.has("lang") || url.searchParams.has("scheme")) continue;
      const next = url.pathname + url.search;
      // Lists are narrowed in ever more ways: of each page a few.
      const asked = [...met].filter((known) => known.split("?")[0] === url.pathname).length;
      if (!met.has(next) && asked < QUERIES_MAX) { met.add(next); waits.push(next); }
    }
  }
  if (met.size >= CRAWLED_MAX) fault(role, `has more than ${CRAWLED_MAX} links`);
  return met.size;
};

// A link in webmail leads to the page for who is signed in, and to where one signs in for others.
const fromElsewhere = async ({ context, page }, address, leads) => {
  await context.route(`${ELSEWHERE}/**`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: `<!doctype html><title>x</title><link rel="icon" href="data:,"><a id="mail" href="${address}">varsel</a>` }));
  await page.goto(`${ELSEWHERE}/`);
  await page.locator("#mail").click();
  // The page in between leads on by itself.
  await page.locator("#advisory, #sign-in").waitFor();
  expect(`from elsewhere one is led to ${leads}`, new URL(page.url()).pathname === leads);
};

const step = async (name, walked) => {
  try { return await walked(); } catch (error) { fault(name, error.message.split("\n").slice(0, 3).join("; ")); return undefined; }
};

const crawled = {};
const publisher = await open("publisher");
await step("coming in", () => comeIn(publisher.page));
const address = await step("writing", () => write(publisher.page));
crawled.publisher = await step("a publisher's links", () => crawl(publisher.context, "publisher"));
await publisher.context.close();

const it = await byLink("it");
await step("a member's IT", async () => {
  const { page } = it;
  expect("what is not read is told", (await page.locator("#unread li").count()) === 1);
  await everywhere(page, "the front of IT", plan.folder, "it-front");
  await page.goto(`${plan.origin}/sendes`);
  await everywhere(page, "what leaves", plan.folder, "leaves");
  await fromElsewhere(it, address, new URL(address).pathname);
  await everywhere(page, "an advisory at a member", plan.folder, "it-advisory");
  await press(page, "#confirm button");
  expect("it is confirmed", (await page.locator("#own").first().count()) === 1 && (await page.locator("section#own").innerText()).includes(plan.words.confirmed));
  await page.goto(plan.origin);
  expect("what was confirmed waits no more", (await page.locator("#unread li").count()) === 0);
  await press(page, "#confirm-contacts button");
  await page.goto(plan.origin);
  expect("contacts are confirmed", (await page.locator("#to-contacts").count()) === 0);
});
crawled.it = await step("IT's links", () => crawl(it.context, "it"));
await it.context.close();

for (const [role, pages] of [["management", ["/", "/varsel", new URL(address ?? plan.origin).pathname]], ["auditor", ["/varsel", new URL(address ?? plan.origin).pathname]]]) {
  const person = await byLink(role);
  await step(role, async () => {
    for (const path of pages) {
      await person.page.goto(plan.origin + path);
      await everywhere(person.page, `${path} as ${role}`, plan.folder, `${role}-${path === "/" ? "front" : path === "/varsel" ? "advisories" : "advisory"}`);
    }
    const text = await person.page.evaluate(() => document.body.textContent);
    expect(`${role} is shown no host`, !/H-[0-9A-Z]{8}/.test(text));
  });
  crawled[role] = await step(`${role}'s links`, () => crawl(person.context, role));
  await person.context.close();
}

for (const role of ["analyst", "administrator"]) {
  const person = await byLink(role);
  crawled[role] = await step(`${role}'s links`, () => crawl(person.context, role));
  await person.context.close();
}

const stranger = await open("stranger");
await step("a stranger from elsewhere", () => fromElsewhere(stranger, address, "/innlogging"));
await stranger.context.close();
process.stdout.write(`${JSON.stringify({ faults, crawled })}\n`);
