// What a post opens: its menu, the choice between retweet and quote. Links work without this.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  let open = null;

  // ── Menus: one at a time; Escape and a click elsewhere close, focus goes back ──
  function close(back = false) {
    if (!open) return;
    const { button, box, made } = open;
    open = null;
    button.removeAttribute("aria-expanded");
    box.classList.remove("open");
    (made || $(".pop", box))?.remove();
    if (back) button.focus({ preventScroll: true });
  }
  function show(button, box, made = null) {
    open = { button, box, made };
    button.setAttribute("aria-expanded", "true");
    box.classList.add("open");
    const pop = $(".pop", box);
    // Near the lower edge it opens upwards.
    if (pop.getBoundingClientRect().bottom > innerHeight) pop.classList.add("up");
    $(".mi", pop)?.focus({ preventScroll: true });
  }
  function fetchMenu(link) {
    const box = link.parentElement;
    if (link.dataset.busy) return;
    link.dataset.busy = "1";
    htmx.ajax("GET", link.href, { source: link, target: box, swap: "beforeend" })
      .then(() => $(".pop", box) && show(link, box))
      .finally(() => delete link.dataset.busy);
  }
  function chooseRetweet(button) {
    const box = document.createElement("span");
    box.className = "menu of-act";
    box.append($("#rt-menu").content.cloneNode(true));
    const [again, quote] = box.querySelectorAll(".mi");
    quote.href += button.closest("[id^=t]").id.slice(1);
    again.addEventListener("click", () => button.click());
    button.after(box);
    show(button, box, box);
  }
  document.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("[data-menu]");
    const item = event.target.closest(".menu.open .mi");
    const retweet = event.isTrusted && event.target.closest("button.act.rt[aria-pressed=false]");
    const was = open?.button;
    if (item?.matches("[data-quick]")) {
      event.preventDefault();
      const { box } = open;
      htmx.ajax("POST", item.getAttribute("formaction"), { source: item, target: box, swap: "none" })
        .finally(() => close(box.contains(document.activeElement)));
    } else if (item) {
      // After the others have seen the click.
      setTimeout(() => close(!document.activeElement?.closest("dialog")));
    } else if (link || retweet) {
      event.preventDefault();
      event.stopImmediatePropagation();
      close();
      if (was === (link || retweet)) return;
      if (link) fetchMenu(link);
      else chooseRetweet(retweet);
    } else if (open && !open.box.contains(event.target)) {
      close();
    }
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!open) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close(true);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const items = [...open.box.querySelectorAll(".mi")];
      const by = event.key === "ArrowDown" ? 1 : -1;
      const at = items.indexOf(document.activeElement);
      items[(at + by + items.length) % items.length].focus();
      event.preventDefault();
    } else if (event.key === "Tab") {
      setTimeout(() => open && !open.box.contains(document.activeElement) && close());
    }
  }, true);
})();
