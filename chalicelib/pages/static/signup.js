// Keeps a draft of the form on this phone for a day, and narrows long lists by what is typed. Without it the form works.
(() => {
  const KEY = "janjan-signup", DAY = 864e5;
  const plain = text => text.normalize("NFC").toLowerCase();
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return kept && Date.now() - kept.at < DAY ? kept.fields : null;
    } catch { return null; }
  };
  const drop = () => { try { localStorage.removeItem(KEY); } catch {} };
  if (document.querySelector("[data-joined]")) return drop();
  const form = document.getElementById("signup"), offer = document.getElementById("draft");
  if (!form) return;
  const keep = () => {
    const fields = [...new FormData(form)].filter(([name, value]) => value && name !== "website");
    try { localStorage.setItem(KEY, JSON.stringify({at: Date.now(), fields})); } catch {}
  };
  const fresh = "fresh" in form.dataset, kept = fresh && read();
  if (!fresh) keep();
  form.addEventListener("input", keep);
  if (kept && offer) {
    offer.hidden = false;
    offer.querySelector("[data-forget]").addEventListener("click", () => { drop(); offer.hidden = true; });
    offer.addEventListener("submit", () => {
      for (const [name, value] of kept) {
        const field = document.createElement("input");
        Object.assign(field, {type: "hidden", name, value});
        offer.append(field);
      }
    });
  }
  for (const list of form.querySelectorAll("select[data-narrow]")) {
    const all = [...list.options];
    if (all.length < 9) continue;
    const field = document.createElement("input");
    Object.assign(field, {type: "search", placeholder: list.dataset.narrow, autocomplete: "off"});
    field.setAttribute("aria-label", list.dataset.narrow);
    list.before(field);
    field.addEventListener("keydown", event => { if (event.key === "Enter") event.preventDefault(); });
    field.addEventListener("input", event => {
      event.stopPropagation();
      const asked = plain(field.value.trim());
      const found = all.filter(one => !one.value || plain(one.text + " " + (one.dataset.also || "")).includes(asked));
      list.replaceChildren(...found);
      if (asked && found.length === 2) list.value = found[1].value;
      keep();
    });
  }
})();
