// Copies a post's text, or hands it to the phone's own sharing. Without it the text can be marked and copied.
(() => {
  for (const row of document.querySelectorAll("[data-text]")) {
    const text = document.getElementById(row.dataset.text);
    const copy = row.querySelector("[data-copy]"), share = row.querySelector("[data-share]");
    const label = copy.textContent;
    text.addEventListener("focus", () => text.select());
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text.value); }
      catch { text.focus(); text.select(); document.execCommand("copy"); }
      copy.textContent = copy.dataset.done;
      setTimeout(() => { copy.textContent = label; }, 2000);
    });
    if (!navigator.share) continue;
    share.hidden = false;
    share.addEventListener("click", () => navigator.share({text: text.value}).catch(() => {}));
  }
})();
