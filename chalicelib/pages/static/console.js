// What scripts add to the console; every page works without them. J and K walk through `.row[tabindex]`, a key named by
// `data-key` presses that button of the row in focus, `data-copy` copies a field's text, a form with `data-keep` keeps its draft.
(() => {
  const typing = where => where.closest("input, select, textarea, [contenteditable]");
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const rows = [...document.querySelectorAll(".row[tabindex]")], here = event.target.closest(".row"), key = event.key.toLowerCase();
    if (key === "j" || key === "k") {
      const next = rows[Math.max(0, rows.indexOf(here) + (key === "j" ? 1 : -1))];
      if (next) { next.focus(); event.preventDefault(); }
      return;
    }
    const button = here && here.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (button) { event.preventDefault(); button.click(); }
  });
  document.addEventListener("click", async event => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    event.preventDefault();
    try { await navigator.clipboard.writeText(field.value ?? field.textContent); }
    catch { field.select && field.select(); document.execCommand("copy"); }
    button.textContent = button.dataset.copied || button.textContent;
  });
  for (const form of document.querySelectorAll("form[data-keep]")) {
    const key = `janjan-${form.dataset.keep}`;
    const drop = () => { try { sessionStorage.removeItem(key); } catch {} };
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) || "null");
      if (kept && form.dataset.fresh !== undefined)
        for (const [name, value] of kept) {
          const field = form.elements.namedItem(name);
          if (field && "value" in field && !field.value && !["hidden", "checkbox", "radio", "file", "password"].includes(field.type)) field.value = value;
        }
    } catch {}
    form.addEventListener("input", () => {
      const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value);
      try { sessionStorage.setItem(key, JSON.stringify(fields)); } catch {}
    });
    if (form.dataset.done !== undefined) drop();
  }
})();
