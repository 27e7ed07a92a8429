// What a post opens: its menu, the choice between retweet and quote, its pictures. Links work
// without this.
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

  // ── Pictures: arrows go through them, Escape closes, focus goes back ──────
  let shown = [], at = 0;
  const sprite = $("use[href*=sprite]").getAttribute("href").split("#")[0];
  function key(value, icon, label) {
    const button = document.createElement("button");
    button.className = value === "close" ? "ib" : "ib flip";
    button.value = value;
    button.setAttribute("aria-label", label);
    button.innerHTML = `<svg class="i" aria-hidden="true"><use href="${sprite}#${icon}"/></svg>`;
    return button;
  }
  function light() {
    let box = $("dialog.light");
    if (box) return box;
    box = document.createElement("dialog");
    box.className = "light";
    box.setAttribute("aria-label", t("Picture"));
    const figure = document.createElement("figure"), words = document.createElement("figcaption");
    words.dir = "auto";
    figure.append(document.createElement("img"), words);
    box.append(
      key("close", "x-mark", t("Close")), key("back", "chevron-left", t("Previous picture")),
      figure, key("on", "chevron-right", t("Next picture")),
    );
    document.body.append(box);
    box.addEventListener("click", (event) => {
      const value = event.target.closest("button")?.value;
      if (value === "back" || value === "on") turn(value === "on" ? 1 : -1);
      else if (value === "close" || !event.target.closest("img, figcaption")) box.close();
    });
    box.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) turn(document.dir === "rtl" ? -by : by);
    });
    box.addEventListener("close", () => $("img", box).removeAttribute("src"));
    return box;
  }
  function turn(by) {
    const box = light(), next = at + by;
    if (!shown[next]) return;
    at = next;
    const small = $("img", shown[at]), large = $("img", box);
    large.alt = small.alt;
    large.src = shown[at].href;
    const words = $(".alt p", shown[at].parentElement)?.textContent || "";
    $("figcaption", box).textContent = shown.length > 1 ? `${at + 1} / ${shown.length}${words ? " · " : ""}${words}` : words;
    $("[value=back]", box).hidden = at === 0;
    $("[value=on]", box).hidden = at === shown.length - 1;
    const hidden = document.activeElement?.hidden;
    if (hidden) $("[value=close]", box).focus();
  }
  document.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest(".pic > a");
    if (!link) return;
    event.preventDefault();
    shown = [...link.closest(".pics").querySelectorAll(".pic > a")];
    at = shown.indexOf(link);
    turn(0);
    light().showModal();
  });

  // ── What is shown until a picture is there: its blurhash ──────────────────
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
  const SIZE = 24;
  const read = (text) => [...text].reduce((sum, one) => sum * 83 + DIGITS.indexOf(one), 0);
  const linear = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const gamma = (value) => {
    value = Math.min(1, Math.max(0, value));
    return Math.round(255 * (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055));
  };
  const power = (value) => Math.sign(value) * value * value;
  function colours(hash) {
    const most = (read(hash[1]) + 1) / 166, first = read(hash.slice(2, 6));
    const found = [[first >> 16, (first >> 8) & 255, first & 255].map(linear)];
    for (let n = 6; n < hash.length; n += 2) {
      const value = read(hash.slice(n, n + 2));
      found.push([Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19].map((one) => power((one - 9) / 9) * most));
    }
    return found;
  }
  function blur(image) {
    const hash = image.dataset.blur;
    delete image.dataset.blur;
    if (image.complete && image.naturalWidth) return;
    const size = read(hash[0]), wide = (size % 9) + 1, high = Math.floor(size / 9) + 1;
    if (hash.length !== 4 + 2 * wide * high) return;
    const canvas = document.createElement("canvas"), found = colours(hash);
    canvas.width = canvas.height = SIZE;
    canvas.setAttribute("aria-hidden", "true");
    const pen = canvas.getContext("2d"), dots = pen.createImageData(SIZE, SIZE);
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const sum = [0, 0, 0];
        for (let j = 0; j < high; j++) {
          for (let i = 0; i < wide; i++) {
            const basis = Math.cos((Math.PI * x * i) / SIZE) * Math.cos((Math.PI * y * j) / SIZE);
            found[j * wide + i].forEach((one, n) => { sum[n] += one * basis; });
          }
        }
        dots.data.set([...sum.map(gamma), 255], 4 * (y * SIZE + x));
      }
    }
    pen.putImageData(dots, 0, 0);
    image.before(canvas);
    const gone = () => canvas.remove();
    image.addEventListener("load", gone, { once: true });
    image.addEventListener("error", gone, { once: true });
  }
  const blurAll = () => document.querySelectorAll("img[data-blur]").forEach(blur);
  document.addEventListener("htmx:afterSwap", blurAll);
  blurAll();
})();
