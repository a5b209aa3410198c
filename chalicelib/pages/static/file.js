// A file that is larger than `data-most` bytes is told and not kept, before anything is sent.
document.addEventListener("change", event => {
  const field = event.target;
  if (!field.dataset.most) return;
  const large = [...field.files].some(file => file.size > field.dataset.most);
  document.getElementById(`${field.id}-most`).hidden = !large;
  if (large) field.value = "";
});
