// Keeps a draft of the form on this phone for a day, narrows long lists by what is typed, and goes from step to step
// without leaving the page: so the phone's Back button leads to the step before, and without a connection the form
// stays where it is. Without all of it the form works.
(() => {
  const KEY = "janjan-signup", DAY = 864e5, LONGEST_WAIT = 6e4;
  const plain = text => text.normalize("NFC").toLowerCase();
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return kept && Date.now() - kept.at < DAY ? kept.fields : null;
    } catch { return null; }
  };
  const drop = () => { try { localStorage.removeItem(KEY); } catch {} };
  let form, offered, busy = false;
  const keep = () => {
    offered = null;
    const fields = [...new FormData(form)].filter(([name, value]) => value && name !== "website");
    try { localStorage.setItem(KEY, JSON.stringify({at: Date.now(), fields})); } catch {}
  };
  const step = () => form.elements.at?.value || "";

  // True once the page shows what came back; false when nothing came.
  const send = async (fields, action) => {
    if (busy) return true;
    busy = true;
    form.setAttribute("aria-busy", "true");
    const lost = document.getElementById("lost");
    lost.hidden = true;
    try {
      const body = new URLSearchParams(fields), signal = AbortSignal.timeout?.(LONGEST_WAIT);
      const answer = await fetch(action, {method: "POST", body, signal}), text = await answer.text();
      if (answer.status >= 500) throw answer.status;
      if (answer.redirected) return location.assign(answer.url), true;
      show(text, new URL(action).hash);
    } catch {
      lost.hidden = false;
      lost.scrollIntoView({block: "nearest"});
      form.removeAttribute("aria-busy");
      busy = false;
      return false;
    }
    return true;
  };
  const show = (text, hash) => {
    const page = new DOMParser().parseFromString(text, "text/html"), {lang, dir} = page.documentElement;
    if (!page.getElementById("signup")) {
      document.open();
      document.write(text);
      return document.close();
    }
    Object.assign(document.documentElement, {lang, dir});
    document.title = page.title;
    document.body.replaceChildren(...page.body.childNodes);
    busy = false;
    begin();
    scrollTo(0, 0);
    const stage = document.querySelector(".stage");
    if (stage) stage.tabIndex = -1;
    (document.querySelector("[autofocus]") || (hash && document.querySelector(hash)) || stage)?.focus();
  };
  const begin = () => {
    if (document.querySelector("[data-joined]")) return drop();
    form = document.getElementById("signup");
    if (!form) return;
    const offer = document.getElementById("draft");
    offered = "fresh" in form.dataset ? read() : null;
    if (!("fresh" in form.dataset)) keep();
    form.addEventListener("input", keep);
    form.addEventListener("submit", async event => {
      const by = event.submitter, fields = new FormData(form), from = step();
      if (!by) return;
      event.preventDefault();
      if (by.name) fields.append(by.name, by.value);
      const action = by.hasAttribute("formaction") ? by.formAction : form.action;
      if (!await send(fields, action) || busy) return;
      const there = new URL(action);
      history[step() === from ? "replaceState" : "pushState"]({step: step()}, "", there.pathname + there.search);
    });
    if (offered && offer) {
      offer.hidden = false;
      offer.querySelector("[data-forget]").addEventListener("click", () => { drop(); offered = null; offer.hidden = true; });
      offer.addEventListener("submit", async event => {
        event.preventDefault();
        if (await send([...offered, ["step", "show"]], offer.action)) history.replaceState({step: step()}, "");
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
  };
  begin();
  if (!form) return;
  history.replaceState({step: step()}, "");
  addEventListener("popstate", async event => {
    const to = event.state?.step, from = step();
    if (!to) return history.replaceState({step: from}, "");  // a link within the page
    if (to === from || busy) return;
    if (!await send([...(offered || new FormData(form)), ["go", to]], form.action)) history.pushState({step: from}, "");
  });
})();
