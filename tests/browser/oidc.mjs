// Signs people in at a real provider of OpenID Connect, in a real browser, and says what is wrong.
//
// It is given a plan on standard input, as JSON: { origin, chromium, profile, folder, invitations: [two links], twists: [..] }.
// It prints {"faults": [..]}. It ends with 0 unless it could not do its work.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PATIENCE_MS, judges, launch } from "./reading.mjs";

const plan = JSON.parse(readFileSync(0, "utf8"));
const faults = [];
const expect = (what, is) => { if (!is) faults.push(what); };

let people = 0;
// Somebody at a browser of their own.
const somebody = async (doing) => {
  people += 1;
  const context = await launch(plan.chromium, join(plan.profile, String(people)));
  context.setDefaultTimeout(PATIENCE_MS);
  context.on("console", (message) => {
    // What the provider's own pages say is not ours.
    const isOurs = message.page()?.url().startsWith(plan.origin);
    if (isOurs && ["error", "warning"].includes(message.type()) && !/status of 403/.test(message.text())) faults.push(`${message.page()?.url()}: ${message.text()}`);
  });
  try {
    await doing(context.pages()[0] ?? (await context.newPage()), context);
  } finally {
    await context.close();
  }
};

const reads = judges((where, what) => faults.push(`${where}: ${what}`));
const judge = async (page, name) => {
  await reads.judge(page, name);
  await page.screenshot({ path: join(plan.folder, `oidc-${name}.png`), fullPage: true });
};

// At the provider: who one is, and whether by two factors.
const identify = async (page, who, second) => {
  await page.locator("input[name=who]").fill(who);
  if (second) await page.locator("input[name=second]").check();
  await page.locator("button").click();
};
const at = (page, path) => page.waitForURL((url) => url.origin === plan.origin && url.pathname === path);
const problem = async (page) => {
  await page.locator("#problem").waitFor();
  return (await page.locator("#problem").textContent()).trim();
};
const begin = async (page, til) => {
  await page.goto(`${plan.origin}/innlogging?til=${encodeURIComponent(til)}`);
  await page.locator("#oidc").click();
};

// Nobody is known before they are invited.
await somebody(async (page) => {
  await begin(page, "/");
  await identify(page, "kari", true);
  expect("a stranger is told that no account is tied", /ingen konto her/.test(await problem(page)));
  await judge(page, "unknown");
});

// An invitation, accepted by the provider.
await somebody(async (page, context) => {
  await page.goto(plan.invitations[0]);
  await judge(page, "invitation");
  await page.locator("#oidc button").click();
  await identify(page, "kari", true);
  await at(page, "/");
  await page.goto(`${plan.origin}/konto`);
  expect("the account says that it is tied", /koblet til Prøve-ID siden/.test(await page.locator("#own-oidc").textContent()));
  await judge(page, "account");
  const cookies = await context.cookies(plan.origin);
  expect("what was kept meanwhile is gone", !cookies.some((cookie) => cookie.name.endsWith("varde-oidc")));
  expect("the session is held strictly", cookies.some((cookie) => cookie.name === "varde" && cookie.sameSite === "Strict" && cookie.httpOnly));
});

// The same person comes again, to where they wanted to go; an answer is good once, and only for the one it was given to.
await somebody(async (page) => {
  let answer = "";
  page.on("request", (request) => { if (request.url().includes("/innlogging/oidc/svar?")) answer = request.url(); });
  await begin(page, "/konto?lang=nn");
  await identify(page, "kari", true);
  await at(page, "/konto");
  expect("and reads in the language asked for", (await page.locator("html").getAttribute("lang")) === "nn");
  expect("the answer was seen", answer.includes("code="));
  await page.goto(`${answer}&lang=nb`);
  expect("an answer is good once", /hører ikke til/.test(await problem(page)));
  await judge(page, "late");
  await somebody(async (other) => {
    await other.goto(answer);
    expect("and in one browser", /hører ikke til/.test(await problem(other)));
    await begin(other, "/");
    await other.waitForURL(/\/who\//);
    await other.goto(answer);
    expect("and to one question", /hører ikke til/.test(await problem(other)));
  });
});

// One factor is not enough.
await somebody(async (page) => {
  await begin(page, "/");
  await identify(page, "kari", false);
  expect("one factor is told", /andre faktor/.test(await problem(page)));
  await judge(page, "one-factor");
});

// Who has an account takes no other by the same name there.
await somebody(async (page) => {
  await page.goto(plan.invitations[1]);
  await page.locator("#oidc button").click();
  await identify(page, "kari", true);
  expect("one person, one account", /allerede koblet/.test(await problem(page)));
});

// What a dishonest provider says of kari lets nobody in.
for (const twist of plan.twists) {
  await somebody(async (page, context) => {
    await begin(page, "/");
    await identify(page, `twist:${twist}:kari`, true);
    expect(`an ID token with another ${twist} is not believed`, /slapp deg ikke inn/.test(await problem(page)));
    const cookies = await context.cookies(plan.origin);
    expect(`and opens nothing (${twist})`, !cookies.some((cookie) => cookie.name === "varde"));
  });
}

process.stdout.write(`${JSON.stringify({ faults })}\n`);
