// Makes the lists quicker: what is done by a key is done to the row that is current, a deed that needs a reason asks for it, and a span
// can be drawn over the bars. Without this file all of it works by forms and links. The keys themselves are in keys.js.
"use strict";
(() => {
  const box = (row) => row?.querySelector("input[type=checkbox]");
  const mark = (row) => row.classList.toggle("chosen", Boolean(box(row)?.checked));
  const form = document.getElementById("triage"), reason = document.getElementById("reason");

  form?.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=act]");
    if (!button) return;
    // Nothing is selected: the row that is current is meant.
    const current = box(document.querySelector("tr.row-current"));
    if (current && !form.querySelector("input[name=target]:checked")) current.click();
    if (!button.hasAttribute("data-reason") || reason.value.trim()) return;
    event.preventDefault();
    reason.dataset.then = button.value;
    reason.focus();
  });
  reason?.addEventListener("keydown", (event) => {
    // Enter in a field would press the form's first button, whatever that is.
    if (event.key !== "Enter") return;
    event.preventDefault();
    const button = form.querySelector(`button[name=act][value="${CSS.escape(reason.dataset.then ?? "")}"]`);
    if (button) form.requestSubmit(button);
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
