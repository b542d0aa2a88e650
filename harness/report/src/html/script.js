"use strict";
(() => {
  const open = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && document.getElementById(id);
    const detail = target && target.closest("details");
    if (detail) {
      detail.open = true;
      target.scrollIntoView({ block: target === detail ? "start" : "center" });
    }
  };
  addEventListener("hashchange", open);
  open();
  const form = document.querySelector(".controls");
  if (!form) { return; }
  form.hidden = false;
  const all = [...document.querySelectorAll("details.conversation")];
  const filter = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    const failed = form.elements.failed.checked;
    let shown = 0;
    for (const one of all) {
      one.hidden = (failed && one.dataset.failed !== "true")
        || (text !== "" && !one.textContent.toLowerCase().includes(text));
      shown += one.hidden ? 0 : 1;
    }
    form.elements.count.value = `${shown} of ${all.length}`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
