// Keeps the page fresh: listens for changes, fetches the inside of the main region and puts in what differs, without
// moving focus, scroll or what is unfolded. Without this file the page works; it is then as fresh as its last loading.
"use strict";
(() => {
  const live = document.getElementById("live");
  const content = document.getElementById("content");
  if (!live || !content || !window.EventSource || !window.fetch) return;
  const part = (name) => document.getElementById("live-" + name);
  const state = part("state"), news = part("news"), pause = part("pause"), show = part("show");
  const remembered = (() => { try { return sessionStorage.getItem("varde-paused") === "1"; } catch { return false; } })();
  let paused = remembered, connected = true, waiting = 0, fetching = false, again = false;

  const count = (n) => (n === 1 ? live.dataset.one : live.dataset.many.replace("{n}", String(n)));

  const tell = () => {
    live.dataset.state = !connected ? "off" : paused ? "paused" : "on";
    state.textContent = !connected ? live.dataset.off : paused ? live.dataset.paused : live.dataset.on;
    pause.textContent = paused ? live.dataset.resume : live.dataset.pause;
    pause.setAttribute("aria-pressed", String(paused));
    show.hidden = !(paused && waiting > 0);
    if (paused && waiting > 0) news.textContent = count(waiting);
  };

  const keyOf = (node) => (node.nodeType === 1 && node.id ? node.id : null);

  // Sections are replaced only where they differ, so that reading is not disturbed by what has not changed.
  const swap = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const open = new Set([...content.querySelectorAll("details[open][id]")].map((d) => d.id));
    for (const id of open) fresh.querySelector("#" + CSS.escape(id))?.setAttribute("open", "");
    const scrolled = [...content.querySelectorAll(".scroll[id]")].map((e) => [e.id, e.scrollLeft, e.scrollTop]);
    const focused = content.contains(document.activeElement) ? document.activeElement.id : "";
    const [x, y] = [window.scrollX, window.scrollY];
    const old = new Map([...content.children].filter(keyOf).map((node) => [node.id, node]));
    const next = [...fresh.childNodes].map((node) => {
      const before = old.get(keyOf(node));
      return before && before.isEqualNode(node) ? before : node;
    });
    content.replaceChildren(...next);
    for (const [id, left, top] of scrolled) {
      const region = document.getElementById(id);
      if (region) { region.scrollLeft = left; region.scrollTop = top; }
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    window.scrollTo(x, y);
  };

  const reading = () => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && content.contains(selection.anchorNode);
  };

  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.pathname + "?fragment=1", { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) {
        swap(await answer.text());
        if (waiting > 0) news.textContent = live.dataset.updated + " " + count(waiting);
        waiting = 0;
      }
    } catch { /* The event source notices the same and says so. */ }
    fetching = false;
    tell();
    if (again) { again = false; refresh(); }
  };

  const changed = () => { tell(); if (!paused && !reading()) refresh(); };

  pause.addEventListener("click", () => {
    paused = !paused;
    try { sessionStorage.setItem("varde-paused", paused ? "1" : "0"); } catch { /* Then it is forgotten. */ }
    if (paused) { news.textContent = ""; tell(); } else refresh();
  });
  show.addEventListener("click", () => { refresh(); pause.focus(); });

  // A page left behind must not hold its connection: a browser has six for one site, and the next page would wait.
  let source = null;
  const listen = () => {
    source = new EventSource("/live");
    source.addEventListener("open", () => {
      const lost = !connected;
      connected = true;
      tell();
      if (lost) changed();
    });
    source.addEventListener("error", () => { connected = false; tell(); });
    source.addEventListener("change", (event) => {
      let said = {};
      try { said = JSON.parse(event.data); } catch { /* A refresh does no harm. */ }
      waiting += Number(said.news) || 0;
      changed();
    });
    source.addEventListener("reload", changed);
  };
  window.addEventListener("pagehide", () => { source?.close(); source = null; });
  window.addEventListener("pageshow", () => { if (!source) { listen(); changed(); } });
  listen();
  live.hidden = false;
  tell();
})();
