// Makes the lists quicker by keys, by a range of rows at once and by drawing a span over the bars. Without this file all of it works by
// forms and links. Single keys can be switched off (WCAG 2.1.4); the choice is remembered in this browser.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("tr[data-row]")];
  const box = (row) => row?.querySelector("input[type=checkbox]");
  const store = (key, value) => { try { if (value === undefined) return localStorage.getItem(key); localStorage.setItem(key, value); } catch { /* Then it is forgotten. */ } return null; };
  let here = -1, from = -1, on = store("varde-triage-keys") !== "off";

  const mark = (row) => row.classList.toggle("chosen", Boolean(box(row)?.checked));
  const stand = (place) => {
    const all = rows();
    if (!all.length) return;
    here = Math.max(0, Math.min(all.length - 1, place));
    all.forEach((row, i) => row.classList.toggle("here", i === here));
    (box(all[here]) || all[here].querySelector("a, summary"))?.focus();
    all[here].scrollIntoView({ block: "nearest" });
  };
  const select = (range) => {
    const all = rows();
    if (here < 0) return stand(0);
    const [a, b] = range && from >= 0 ? [Math.min(from, here), Math.max(from, here)] : [here, here];
    const to = range ? true : !box(all[here])?.checked;
    for (const row of all.slice(a, b + 1)) { const one = box(row); if (one) { one.checked = to; mark(row); } }
    from = here;
  };
  const press = (key) => {
    const form = document.getElementById("triage");
    const button = form?.querySelector(`button[data-key="${key}"]`);
    if (!button) return;
    const all = rows();
    if (!all.some((row) => box(row)?.checked) && here >= 0 && box(all[here])) { box(all[here]).checked = true; mark(all[here]); }
    const reason = document.getElementById("reason");
    if (button.hasAttribute("data-reason") && !reason.value.trim()) {
      reason.focus();
      reason.dataset.then = key;
      return;
    }
    form.requestSubmit(button);
  };

  const shown = document.getElementById("triage-keys"), flip = document.getElementById("triage-keys-switch");
  if (shown && flip) {
    shown.hidden = false;
    const tell = () => { flip.textContent = on ? flip.dataset.off : flip.dataset.on; };
    flip.addEventListener("click", () => { on = !on; store("varde-triage-keys", on ? "on" : "off"); tell(); });
    tell();
  }

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (at.id === "reason" && event.key === "Enter" && at.dataset.then) {
      event.preventDefault();
      const key = at.dataset.then;
      delete at.dataset.then;
      return press(key);
    }
    const typing = at.matches?.("input:not([type=checkbox]), textarea, select") || at.isContentEditable;
    if (event.key === "Escape" && typing) return at.blur();
    if (!on || typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const row = rows()[here];
    const keys = {
      j: () => stand(here + 1), k: () => stand(here - 1), x: () => select(false), X: () => select(true),
      a: () => press("a"), f: () => press("f"), u: () => press("u"), n: () => press("n"),
      c: () => (row?.querySelector("a.case, a.open-row"))?.click(),
      o: () => { const link = row?.querySelector("a.open-row"); if (link) link.click(); else row?.querySelector("details")?.toggleAttribute("open"); },
      "/": () => document.getElementById("filter")?.focus(),
    };
    const act = keys[event.key];
    if (act && (event.key === "/" || rows().length)) { event.preventDefault(); act(); }
  });
  document.addEventListener("change", (event) => {
    const row = event.target.closest?.("tr[data-row]");
    if (row && event.target.type === "checkbox") mark(row);
  });

  // What was just done is offered to be undone for ten seconds; the page of all that can be undone has it longer.
  const toast = document.getElementById("toast");
  if (toast) {
    let left = setTimeout(() => { toast.hidden = true; }, 10000);
    for (const kind of ["focusin", "pointerenter"]) toast.addEventListener(kind, () => clearTimeout(left));
    toast.addEventListener("pointerleave", () => { left = setTimeout(() => { toast.hidden = true; }, 10000); });
    history.replaceState(null, "", location.pathname + location.search.replace(/([?&])gjort=\d+&?/, "$1").replace(/[?&]$/, ""));
  }

  // A span drawn over the bars is a range of its own; a click on one bar stays a link.
  const drawing = document.getElementById("histogram");
  if (drawing) {
    const bars = [...drawing.querySelectorAll("a[data-from]")];
    const bar = (event) => bars.indexOf(event.target.closest?.("a[data-from]"));
    let begun = -1;
    const show = (to) => bars.forEach((one, i) => one.classList.toggle("chosen", begun >= 0 && i >= Math.min(begun, to) && i <= Math.max(begun, to)));
    drawing.addEventListener("dragstart", (event) => event.preventDefault());
    drawing.addEventListener("pointerdown", (event) => { begun = bar(event); });
    drawing.addEventListener("pointermove", (event) => { if (begun >= 0 && bar(event) >= 0) show(bar(event)); });
    window.addEventListener("pointerup", (event) => {
      const to = bar(event);
      if (begun >= 0 && to >= 0 && to !== begun) {
        event.preventDefault();
        const [a, b] = [Math.min(begun, to), Math.max(begun, to)];
        const asked = new URLSearchParams(location.search);
        for (const name of ["t", "etter", "gjort"]) asked.delete(name);
        asked.set("fra", bars[a].dataset.from);
        asked.set("til", bars[b].dataset.to);
        location.assign(drawing.dataset.path + "?" + asked);
      }
      begun = -1;
      show(-1);
    });
  }
})();
