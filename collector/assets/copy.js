// Copies what a button stands beside, as programs take it: the page itself shows it so that nobody can click on it. Without this file the
// buttons are not there.
"use strict";
(() => {
  const ready = () => {
    for (const button of document.querySelectorAll("button[data-copy][hidden]")) button.hidden = !navigator.clipboard;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, 2000);
  });
  ready();
  // What changes is put in anew.
  new MutationObserver(ready).observe(document.getElementById("content"), { childList: true });
})();
