/* The reference of the API: a filter of operations. Without this, all are shown. */
(() => {
  "use strict";
  const box = document.getElementById("filter");
  const entries = [...document.querySelectorAll("[data-op]")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const nothing = document.querySelector(".nothing");
  const index = document.querySelector(".docs-index details");
  if (!box) return;
  box.closest(".filter").hidden = false;
  if (matchMedia("(max-width: 63.99rem)").matches) index.open = false;

  const isShown = (group) => {
    const inside = group.tagName === "SECTION" ? group : group.nextElementSibling;
    return [...inside.querySelectorAll("[data-op]")].some((one) => !one.hidden);
  };
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of entries) one.hidden = !words.every((word) => one.dataset.op.includes(word));
    for (const one of groups) one.hidden = !isShown(one);
    nothing.hidden = entries.some((one) => !one.hidden);
  };
  box.addEventListener("input", filter);
  // An address that was opened is shown, whatever the filter says.
  addEventListener("hashchange", () => {
    const wanted = document.getElementById(location.hash.slice(1));
    if (wanted?.hidden) { box.value = ""; filter(); wanted.scrollIntoView(); }
  });
})();
