// What scripts add to the console; every page works without them. J and K walk through `.row[tabindex]`, a key named by
// `data-key` presses that button of the row in focus, `data-copy` copies a field's text, a form with `data-keep` keeps its draft,
// which `data-kept` offers again, `data-focus` names the field where one goes on in what is opened, `data-all` the boxes
// that one box ticks. Who signs out leaves no draft behind. What is typed while an answer with such a form is under way is taken over into it.
(() => {
  const rooms = document.querySelector(".rooms nav"), current = rooms && rooms.querySelector("[aria-current]");
  if (current) rooms.scrollTop = current.offsetTop - rooms.clientHeight / 2;
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
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#"]');
    for (let part = link && document.getElementById(link.hash.slice(1)); part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
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
  const left = document.querySelector("[data-left]"), open = () => document.querySelectorAll(".review").length;
  const elsewhere = left && left.dataset.left - open();
  if (left) document.addEventListener("htmx:afterSettle", () => { left.textContent = elsewhere + open(); });
  document.addEventListener("htmx:beforeSwap", event => {
    if (new URL(event.detail.xhr.responseURL).pathname === "/signin") { event.detail.shouldSwap = false; location.reload(); }
  });
  document.addEventListener("htmx:afterSettle", event => {
    const row = event.detail.elt;
    if (row.matches(".row[tabindex]") && !document.activeElement.closest(".row")) row.focus();
  });
  const written = form => [...new FormData(form)].filter(([, value]) => typeof value === "string" && value);
  const keep = form => { try { sessionStorage.setItem(`janjan-${form.dataset.keep}`, JSON.stringify(written(form))); } catch {} };
  for (const form of document.querySelectorAll("form[data-keep]")) {
    const key = `janjan-${form.dataset.keep}`;
    const drop = () => { try { sessionStorage.removeItem(key); } catch {} };
    if (form.dataset.done !== undefined) drop();
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) || "null");
      if (kept && form.dataset.fresh !== undefined)
        for (const [name, value] of kept) {
          const field = form.elements.namedItem(name);
          if (field && "value" in field && !field.value && !["hidden", "checkbox", "radio", "file", "password"].includes(field.type)) field.value = value;
        }
    } catch {}
    const notice = document.querySelector(`[data-kept="${CSS.escape(form.dataset.keep)}"]`);
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) || "null"), said = of => JSON.stringify(of.filter(([name]) => !["once", "rev", "job"].includes(name)));
      if (form.dataset.typed !== undefined) keep(form);
      else if (notice && kept && said(kept) !== said(written(form))) {
        notice.hidden = false;
        notice.querySelector("[data-drop]").addEventListener("click", () => { drop(); notice.hidden = true; });
        notice.querySelector("[data-take]").addEventListener("click", () => {
          const again = document.createElement("form");
          again.method = "post";
          again.action = form.action;
          for (const [name, value] of kept) {
            const field = document.createElement("input");
            field.type = "hidden";
            field.name = name;
            field.value = value;
            again.append(field);
          }
          document.body.append(again);
          again.submit();
        });
      }
    } catch {}
  }
  document.addEventListener("input", event => { const form = event.target.closest("form[data-keep]"); if (form) keep(form); });
  document.addEventListener("submit", event => {
    if (event.target.getAttribute("action").startsWith("/signout")) try { for (const key of Object.keys(sessionStorage)) if (key.startsWith("janjan-")) sessionStorage.removeItem(key); } catch {}
  });
  const ticked = field => ["checkbox", "radio"].includes(field.type);
  const fields = form => [...form.elements].filter(field => field.name && !["hidden", "submit", "button", "file"].includes(field.type));
  const place = field => ticked(field) ? `${field.name}=${field.value}` : field.name;
  const value = field => ticked(field) ? field.checked : field.value;
  const asked = new WeakMap(), later = new WeakMap();
  document.addEventListener("htmx:beforeRequest", event => {
    const form = event.detail.target;
    if (form.matches("form[data-keep]")) asked.set(event.detail.xhr, new Map(fields(form).map(field => [place(field), value(field)])));
  });
  document.addEventListener("htmx:beforeSwap", event => {
    const form = event.detail.target, sent = asked.get(event.detail.xhr);
    if (!sent) return;
    later.set(event.detail.xhr, {
      typed: new Map(fields(form).filter(field => sent.get(place(field)) !== value(field)).map(field => [place(field), value(field)])),
      files: [...form.querySelectorAll("input[type=file]")].filter(field => field.files.length),
      open: new Map([...form.querySelectorAll("details[id]")].map(one => [one.id, one.open])),
    });
  });
  document.addEventListener("htmx:afterSwap", event => {
    const meanwhile = later.get(event.detail.xhr);
    if (!meanwhile) return;
    later.delete(event.detail.xhr);
    const form = document.querySelector("form[data-keep]");
    for (const [id, open] of meanwhile.open) { const one = document.getElementById(id); if (one) one.open = one.open || open; }
    for (const field of meanwhile.files) { const one = document.getElementById(field.id); if (one) one.files = field.files; }
    for (const field of fields(form)) {
      if (!meanwhile.typed.has(place(field))) continue;
      if (ticked(field)) field.checked = meanwhile.typed.get(place(field));
      else field.value = meanwhile.typed.get(place(field));
    }
    if (meanwhile.typed.size) form.dispatchEvent(new Event("input", {bubbles: true}));
  });
  document.addEventListener("htmx:afterSettle", event => { const form = event.target.closest?.("form[data-keep]"); if (form && form.id === event.target.id) keep(form); });
})();
