"use strict";
(() => {
  const open = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const detail = id && document.getElementById(id);
    if (detail instanceof HTMLDetailsElement) {
      detail.open = true;
      detail.scrollIntoView({ block: "start" });
      detail.querySelector("summary").focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", open);
  open();
  const form = document.querySelector(".controls");
  form.hidden = false;
  const rows = [...document.querySelectorAll("tr.case")];
  const filter = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    const level = form.elements.level.value;
    const failed = form.elements.failed.checked;
    for (const row of rows) {
      row.hidden = (text !== "" && !row.textContent.toLowerCase().includes(text))
        || (level !== "" && row.dataset.level !== level)
        || (failed && row.dataset.failed !== "true");
    }
    for (const family of document.querySelectorAll(".grid tbody")) {
      family.hidden = [...family.querySelectorAll("tr.case")].every((row) => row.hidden);
    }
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
