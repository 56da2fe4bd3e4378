// The keyboard: rows, searching, going elsewhere. Every key is one without modifiers, so all can be switched off at once (a
// voice types letters too). What a page offers beside the usual says so itself: whatever has data-key="a" is pressed by a, in
// the row that is current, else on the page.
"use strict";
(() => {
  // After a g the next key leads somewhere, unless it comes later than this, in milliseconds.
  const GO_WITHIN = 2000;

  const dialog = document.getElementById("keys");
  const opener = document.getElementById("keys-open");
  const wanted = document.getElementById("keys-switch");
  if (!dialog?.showModal || !opener || !wanted) return;
  const stored = (() => { try { return localStorage.getItem("varde-keys"); } catch { return null; } })();
  wanted.checked = stored !== "off";
  let current = "", ticked = "", gone = 0;

  const content = () => document.getElementById("content");
  const rows = () => [...content().querySelectorAll("[data-row]")].filter((row) => row.checkVisibility?.() ?? true);
  const rowNow = () => rows().find((row) => row.dataset.row === current);
  const box = (row) => row?.querySelector("input[type=checkbox]");
  const search = () => document.querySelector("#content input[type=search], header input[type=search]");

  const mark = () => {
    for (const row of document.querySelectorAll(".row-current")) row.classList.remove("row-current");
    rowNow()?.classList.add("row-current");
  };
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.dataset.row === current);
    const row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    current = row.dataset.row;
    mark();
    const target = row.querySelector("a[href], input, button") ?? row;
    if (target === row) row.tabIndex = -1;
    target.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const tick = (range) => {
    const all = rows(), at = all.findIndex((row) => row.dataset.row === current);
    const from = range ? all.findIndex((row) => row.dataset.row === ticked) : -1;
    if (!box(all[at])) return;
    const [first, last] = from < 0 ? [at, at] : [Math.min(at, from), Math.max(at, from)];
    const to = from < 0 ? !box(all[at]).checked : true;
    for (const row of all.slice(first, last + 1)) if (box(row) && box(row).checked !== to) box(row).click();
    ticked = current;
  };
  const leave = () => { current = ""; mark(); document.activeElement?.blur(); };
  const help = () => {
    const needs = { select: rows().some(box), search: Boolean(search()) };
    for (const line of dialog.querySelectorAll("[data-needs]")) line.hidden = !needs[line.dataset.needs];
    for (const line of dialog.querySelectorAll("[data-own]")) line.remove();
    const own = new Map([...document.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e.dataset.keyWords || e.textContent.trim()]));
    for (const [key, words] of own) {
      const line = document.getElementById("keys-all").insertRow();
      line.dataset.own = "";
      line.insertCell().append(Object.assign(document.createElement("kbd"), { textContent: key }));
      line.insertCell().textContent = words;
    }
    dialog.showModal();
  };

  const press = (event) => {
    const { key } = event;
    if (gone && event.timeStamp - gone < GO_WITHIN) {
      gone = 0;
      const link = [...document.querySelectorAll("[data-go]")].find((link) => link.dataset.go === key);
      link?.click();
      return Boolean(link);
    }
    gone = 0;
    const here = (selector) => rowNow()?.querySelector(selector) ?? document.querySelector(selector);
    switch (key) {
      case "j": move(1); return true;
      case "k": move(-1); return true;
      case "o": (rowNow()?.querySelector("a.open-row") ?? rowNow()?.querySelector("a[href]"))?.click(); return Boolean(rowNow());
      case "x": tick(false); return true;
      case "X": tick(true); return true;
      case "/": search()?.focus(); return Boolean(search());
      case "g": gone = event.timeStamp; return true;
      case ".": document.getElementById("live-pause")?.click(); return true;
      case "?": help(); return true;
      case "Escape": leave(); return false;
    }
    const pressed = /^[a-zæøå]$/i.test(key) ? here(`[data-key="${key}"]`) : null;
    pressed?.click();
    return Boolean(pressed);
  };

  document.addEventListener("keydown", (event) => {
    const into = event.target;
    const types = into.isContentEditable || into.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open) return;
    const view = document.getElementById("view");
    if (event.key === "Escape" && view?.open) { view.open = false; document.getElementById("view-open").focus(); return; }
    if (event.key === "Escape" && types) { into.blur(); return; }
    if (types || !wanted.checked) return;
    if (press(event)) event.preventDefault();
  });
  document.addEventListener("varde:fresh", mark);
  document.addEventListener("click", (event) => {
    const view = document.getElementById("view");
    if (view?.open && !view.contains(event.target)) view.open = false;
  });
  wanted.addEventListener("change", () => {
    try { localStorage.setItem("varde-keys", wanted.checked ? "on" : "off"); } catch { /* Then it is forgotten. */ }
  });
  opener.addEventListener("click", () => { document.getElementById("view").open = false; help(); });
  opener.hidden = false;
})();
