// What scripts add to the console; every page works without them. J and K walk through `.row[tabindex]`, a key named by
// `data-key` presses that button of the row in focus, `data-copy` copies a field's text, a form with `data-keep` keeps its draft,
// `data-focus` names the field where one goes on in what is opened, `data-all` the boxes that one box ticks.
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
  document.addEventListener("toggle", event => {
    const field = event.target.open && event.target.dataset.focus && event.target.querySelector(`[name="${CSS.escape(event.target.dataset.focus)}"]`);
    if (field) field.focus();
  }, true);
  for (const label of document.querySelectorAll("[data-all]")) {
    label.hidden = false;
    label.firstElementChild.addEventListener("change", event => {
      for (const box of document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(label.dataset.all)}"]`)) box.checked = event.target.checked;
    });
  }
  document.addEventListener("htmx:beforeSwap", event => {
    if (new URL(event.detail.xhr.responseURL).pathname === "/signin") { event.detail.shouldSwap = false; location.reload(); }
  });
  document.addEventListener("htmx:afterSettle", event => {
    const row = event.detail.elt;
    if (row.matches(".row[tabindex]") && !document.activeElement.closest(".row")) row.focus();
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
