// A person at a real browser: opened and watched, for scripts of tests that share a plan { origin, profile, chromium }.
import { join } from "node:path";

import { PATIENCE_MS, judges, launch } from "./reading.mjs";

// `allowed` holds the statuses that a page is asked for on purpose, `faults` what is wrong.
export const seat = (plan) => {
  const faults = [], allowed = new Set();
  const fault = (where, what) => faults.push(`${where}: ${what}`);

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
    const context = await launch(plan.chromium, join(plan.profile, profile), more);
    watch(context);
    if (known.length > 0) await context.addCookies(known);
    return { context, page: context.pages()[0] ?? (await context.newPage()) };
  };

  return { allowed, fault, faults, open, ...judges(fault) };
};
