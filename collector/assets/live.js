// Keeps the page fresh. It listens for changes, fetches the inside of the main region and puts in what differs. Nobody who is
// reading has rows moved under the eyes: as long as somebody reads in the page, only values change in their places, and what
// is new is told ("4 new") until it is asked for. Without this file the page works; it is then as fresh as its last loading.
"use strict";
(() => {
  // Where the stream of changes cannot be had (a proxy, too many pages), the page is asked for this often.
  const POLL_MS = 30000;
  // And the stream is tried again this often.
  const LISTEN_AGAIN_MS = 120000;
  // Scrolled this far, in CSS pixels, somebody reads.
  const READS_BELOW = 160;

  const live = document.getElementById("live");
  const content = document.getElementById("content");
  if (!live || !content || !window.fetch) return;
  const part = (name) => document.getElementById("live-" + name);
  const state = part("state"), news = part("news"), pause = part("pause"), show = part("show");
  const kept = (() => { try { return sessionStorage.getItem("varde-paused") === "1"; } catch { return false; } })();
  let paused = kept, way = "on", waiting = 0, held = null, fetching = false, again = "";
  let source = null, failures = 0, polls = 0, retry = 0;

  const count = (n, one, many) => (n === 1 ? live.dataset[one] : live.dataset[many].replace("{n}", String(n)));
  // Set only when it differs: what is said again is read aloud again.
  const say = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  const tell = () => {
    live.dataset.state = way !== "off" && paused ? "paused" : way;
    say(state, live.dataset[live.dataset.state]);
    say(pause, paused ? live.dataset.resume : live.dataset.pause);
    pause.setAttribute("aria-pressed", String(paused));
    show.hidden = !(paused ? waiting > 0 : held !== null);
    if (paused && waiting > 0) say(news, count(waiting, "one", "many"));
    else if (held !== null) say(news, held > 0 ? count(held, "newOne", "newMany") : live.dataset.moved);
  };

  const reads = () => {
    const selection = document.getSelection();
    return window.scrollY > READS_BELOW || content.contains(document.activeElement)
      || Boolean(selection && !selection.isCollapsed && content.contains(selection.anchorNode))
      || content.querySelector("input:checked, .row-current") !== null
      || [...content.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
  };

  const rows = (node) => (node.nodeType === 1 ? [...node.querySelectorAll("[data-row]")].map((row) => row.dataset.row) : []);

  // What stays: what is unfolded, ticked, scrolled sideways and in focus. It is found again by its id.
  const keeping = (change, fresh) => {
    for (const open of content.querySelectorAll("details[open][id]")) fresh.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
    const ticked = [...content.querySelectorAll("input:checked[id]")].map((input) => input.id);
    const scrolled = [...content.querySelectorAll(".scroll[id]")].map((e) => [e.id, e.scrollLeft, e.scrollTop]);
    const focused = content.contains(document.activeElement) ? document.activeElement.id : "";
    const [x, y] = [window.scrollX, window.scrollY];
    change();
    for (const id of ticked) { const input = document.getElementById(id); if (input) input.checked = true; }
    for (const [id, left, top] of scrolled) {
      const region = document.getElementById(id);
      if (region) { region.scrollLeft = left; region.scrollTop = top; }
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    window.scrollTo(x, y);
    document.dispatchEvent(new Event("varde:fresh"));
  };

  // Puts in what differs. Where somebody reads, only where no row comes, goes or moves; gives how many new rows wait, or null.
  const swap = (html, all) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const old = [...content.children], next = [...fresh.children];
    const alike = old.length === next.length && old.every((node, place) => node.id === next[place].id && node.tagName === next[place].tagName);
    if (all || !alike) {
      if (!all) return next.flatMap(rows).filter((row) => !new Set(old.flatMap(rows)).has(row)).length;
      const same = new Map(old.filter((node) => node.id).map((node) => [node.id, node]));
      keeping(() => content.replaceChildren(...next.map((node) => {
        const before = same.get(node.id);
        return before && before.isEqualNode(node) ? before : node;
      })), fresh);
      return null;
    }
    let waits = null;
    keeping(() => old.forEach((node, place) => {
      if (node.isEqualNode(next[place])) return;
      const [before, after] = [rows(node), rows(next[place])];
      if (before.join() === after.join()) node.replaceWith(next[place]);
      else waits = (waits ?? 0) + after.filter((row) => !before.includes(row)).length;
    }), fresh);
    return waits;
  };

  const refresh = async (all) => {
    if (fetching) { again = all || again === "all" ? "all" : "some"; return; }
    fetching = true;
    try {
      const address = new URL(location.href);
      address.searchParams.set("fragment", "1");
      address.hash = "";
      const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" });
      // Led elsewhere: the session is over, and the page itself must say so.
      if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname !== location.pathname)) {
        location.reload();
        return;
      }
      if (answer.ok) {
        const before = held;
        held = swap(await answer.text(), all || !reads());
        if (held === null && (waiting > 0 || before !== null)) {
          say(news, waiting > 0 ? live.dataset.updated + " " + count(waiting, "one", "many") : "");
        }
        waiting = 0;
      }
      if (way === "off" && !source) way = "poll";
    } catch { if (!source) way = "off"; }
    fetching = false;
    tell();
    if (again) { const more = again === "all"; again = ""; refresh(more); }
  };

  const changed = () => { tell(); if (!paused) refresh(false); };

  pause.addEventListener("click", () => {
    paused = !paused;
    try { sessionStorage.setItem("varde-paused", paused ? "1" : "0"); } catch { /* Then it is forgotten. */ }
    if (paused) { say(news, ""); tell(); } else refresh(true);
  });
  show.addEventListener("click", () => { pause.focus(); refresh(true); });

  const poll = () => {
    way = way === "on" ? "poll" : way;
    if (!polls) polls = setInterval(() => { if (!paused && !document.hidden) refresh(false); }, POLL_MS);
    if (!retry) retry = setInterval(listen, LISTEN_AGAIN_MS);
    tell();
  };

  // A page left behind must not hold its connection: a browser has six for one site, and the next page would wait.
  const silent = () => { source?.close(); source = null; };
  function listen() {
    // Who may not listen to all changes asks now and then.
    if (!window.EventSource || live.dataset.by === "asking") { poll(); return; }
    silent();
    source = new EventSource("/live");
    source.addEventListener("open", () => {
      const lost = way !== "on";
      way = "on"; failures = 0;
      clearInterval(polls); clearInterval(retry);
      polls = retry = 0;
      tell();
      if (lost) changed();
    });
    source.addEventListener("error", () => {
      failures += 1;
      // Refused for good, or again and again: asked for instead. Whether the collector answers at all is seen then.
      if (source.readyState === EventSource.CLOSED || failures > 2) { silent(); way = "off"; poll(); refresh(false); return; }
      way = "off";
      tell();
    });
    source.addEventListener("change", (event) => {
      let said = {};
      try { said = JSON.parse(event.data); } catch { /* A refresh does no harm. */ }
      waiting += Number(said.news) || 0;
      changed();
    });
    source.addEventListener("reload", changed);
  }
  window.addEventListener("pagehide", () => { silent(); clearInterval(polls); clearInterval(retry); polls = retry = 0; });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); changed(); } });
  listen();
  live.hidden = false;
  tell();
})();
