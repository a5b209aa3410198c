// Copies a post's text, or hands it, or a file, to the phone's own sharing. Without it the text can be marked and copied, the
// file downloaded.
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
  for (const button of document.querySelectorAll("[data-share-file]")) {
    const type = button.dataset.type, name = `janjan.${{"image/jpeg": "jpg", "application/pdf": "pdf"}[type] || type.split("/")[1]}`;
    if (!navigator.canShare || !navigator.canShare({files: [new File([], name, {type})]})) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        // Not the copy that the picture on the page left: that one may not be read by a script.
        const answer = await fetch(button.dataset.shareFile, {cache: "no-store"});
        if (!answer.ok) return location.reload(); // links hold for a quarter of an hour
        await navigator.share({files: [new File([await answer.blob()], name, {type})]});
      } catch (error) {
        if (error.name !== "AbortError") button.parentElement.querySelector("a").click();
      }
      button.disabled = false;
    });
  }
})();
