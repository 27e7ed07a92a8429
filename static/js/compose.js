// The compose box: pictures by drop, paste and choice, with their previews; completion of names,
// tags and emoji. Without this the form has a field for each picture.
(() => {
  "use strict";
  const MAX = 4, MAX_BYTES = 5 << 20, KINDS = /^image\/(jpeg|png|webp|avif|gif)$/, WAIT_MS = 120, PREVIEW = 480;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, error: true } }));

  // ── Pictures: what is shown and what the form sends are the same list ──────
  const held = new WeakMap();
  const shotsOf = (form) => held.get(form) || held.set(form, []).get(form);
  const room = (form) => MAX - shotsOf(form).length - all("[name=media]:checked", form).length;

  function give(form) {
    const shots = shotsOf(form);
    for (let n = 0; n < MAX; n++) {
      const input = form.elements[`picture${n + 1}`], box = new DataTransfer();
      if (shots[n]) box.items.add(shots[n].file);
      input.files = box.files;
      form.elements[`alt${n + 1}`].value = shots[n]?.words.value || "";
    }
    const ask = $("[data-ask]", form);
    if (ask) ask.disabled = shots.length > 0;
    form.elements.picture1.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function drop(form, shot) {
    const shots = shotsOf(form);
    shots.splice(shots.indexOf(shot), 1);
    shot.item.remove();
    give(form);
    $("textarea", form).focus();
  }
  const make = (name, values) => Object.assign(document.createElement(name), values);
  function preview(file) {
    // Drawn, not loaded: the page may load pictures from its own site only.
    const item = make("li"), image = make("canvas", { width: 1, height: 1 });
    createImageBitmap(file, { resizeWidth: PREVIEW }).then((bits) => {
      Object.assign(image, { width: bits.width, height: bits.height });
      image.getContext("2d").drawImage(bits, 0, 0);
    }, () => image.remove());
    const away = make("button", { type: "button", className: "drop-shot", textContent: "×" });
    away.setAttribute("aria-label", t("Remove this picture"));
    const words = make("input", { type: "text", maxLength: 1000, dir: "auto", placeholder: t("Describe it for people who cannot see it") });
    words.setAttribute("aria-label", t("Description"));
    item.append(image, away, words);
    return { file, item, words };
  }
  function add(form, files) {
    const bad = files.find((file) => !KINDS.test(file.type));
    const large = files.find((file) => file.size > MAX_BYTES);
    if (bad || large || files.length > room(form)) {
      say(bad ? t("Only pictures can be added: JPEG, PNG, WebP, AVIF and GIF.")
        : large ? t("A picture may have at most 5 MB.") : t("A post has at most four pictures."));
      return;
    }
    let list = $(".shots:not(.kept)", form);
    if (!list) {
      list = document.createElement("ul");
      list.className = "shots";
      $(".extras", form).prepend(list);
    }
    for (const file of files) {
      const shot = preview(file);
      $("button", shot.item).addEventListener("click", () => drop(form, shot));
      shot.words.addEventListener("input", () => give(form));
      list.append(shot.item);
      shotsOf(form).push(shot);
    }
    give(form);
  }
  const filesOf = (data) => [...(data?.files || [])];
  const formOf = (event) => event.target.closest?.(".write:not(.plain)");

  document.addEventListener("click", (event) => {
    const form = formOf(event);
    if (!form) return;
    if (event.target.closest("[data-pick]")) {
      const chooser = document.createElement("input");
      chooser.type = "file";
      chooser.multiple = true;
      chooser.accept = form.elements.picture1.accept;
      chooser.addEventListener("change", () => add(form, [...chooser.files]));
      chooser.click();
    }
    const ask = event.target.closest("[data-ask]");
    if (ask) {
      const maker = $(".poll-maker", form);
      maker.open = !maker.open;
      ask.setAttribute("aria-expanded", String(maker.open));
      if (maker.open) form.elements.option1.focus();
      else for (let n = 1; n <= MAX; n++) form.elements[`option${n}`].value = "";
    }
    for (const [name, clear] of [["later", "input"], ["chain", "textarea"]]) {
      const button = event.target.closest(`[data-${name}]`), fold = $(`.${name}`, form);
      if (!button) continue;
      fold.open = !fold.open;
      button.setAttribute("aria-expanded", String(fold.open));
      if (fold.open) $(clear, fold).focus();
      else all(clear, fold).forEach((one) => { one.value = ""; one.dispatchEvent(new Event("input", { bubbles: true })); });
    }
  });
  document.addEventListener("paste", (event) => {
    const form = formOf(event), files = filesOf(event.clipboardData);
    if (!form || !files.length) return;
    event.preventDefault();
    add(form, files);
  });
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      const form = formOf(event);
      if (!form || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", name === "dragover");
      if (name === "drop") add(form, filesOf(event.dataTransfer));
    });
  }
  document.addEventListener("dragleave", (event) => {
    const form = formOf(event);
    if (form && !form.contains(event.relatedTarget)) form.classList.remove("over");
  });
  // Once shown it stays: what moves under a pointer is not clicked.
  document.addEventListener("focusin", (event) => formOf(event)?.classList.add("woken"));
  document.addEventListener("posted", () => all(".write").forEach((form) => {
    shotsOf(form).splice(0).forEach((shot) => shot.item.remove());
    const ask = $("[data-ask]", form);
    if (ask) ask.disabled = false;
    all("[data-ask], [data-later], [data-chain]", form).forEach((one) => one.setAttribute("aria-expanded", "false"));
  }));

  // ── Threads: there is always a place for one more post ───────────────────
  const MAX_MORE = 24;
  document.addEventListener("input", (event) => {
    if (!event.target.matches(".write [name=more]")) return;
    const list = all("[name=more]", event.target.form);
    if (list.length >= MAX_MORE || list.some((one) => !one.value)) return;
    const next = list[0].cloneNode();
    next.value = "";
    list.at(-1).after(next);
  });

  // ── Drafts: what is written is kept after a pause, and when one goes away ──
  const PAUSE_MS = 3000, waiting = new Map(), kept = new WeakMap();
  let isFull = false;
  function save(form) {
    clearTimeout(waiting.get(form));
    waiting.delete(form);
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (["csrfmiddlewaretoken", "key", "text", "more", "reply_to", "quote"].includes(name)) fields.append(name, value);
    }
    const words = fields.getAll("text").concat(fields.getAll("more")).join("\n").trimEnd();
    if (words === (kept.get(form) ?? "")) return;
    kept.set(form, words);
    fetch("/drafts/save", { method: "POST", body: fields, keepalive: true, headers: { "HX-Request": "true" } })
      .then((answer) => {
        if (answer.ok) return;
        kept.delete(form);
        // As many as one may have: said once.
        if (answer.status === 409 && !isFull) say(JSON.parse(answer.headers.get("HX-Trigger")).toast.text);
        isFull ||= answer.status === 409;
      }, () => kept.delete(form));
  }
  function forget(form) {
    clearTimeout(waiting.get(form));
    waiting.delete(form);
    kept.delete(form);
  }
  document.addEventListener("input", (event) => {
    const form = event.target.matches("textarea") && formOf(event);
    if (!form) return;
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => save(form), PAUSE_MS));
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") [...waiting.keys()].forEach(save);
  });
  document.addEventListener("close", (event) => all(".write", event.target).forEach((form) => waiting.has(form) && save(form)), true);
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches(".write")) forget(event.detail.elt); });
  document.addEventListener("posted", () => all(".write").forEach(forget));

  // ── The box on a page is small: one goes on in the dialog, with what it holds ──
  let from = null;
  document.addEventListener("click", (event) => { if (event.target.closest("[data-more]")) from = formOf(event); }, true);
  document.addEventListener("htmx:afterSwap", () => {
    const form = from && $("#sheet .write");
    if (!form) return;
    const files = shotsOf(from).splice(0).map((shot) => { shot.item.remove(); return shot.file; });
    for (const name of ["text", "key"]) {
      [form.elements[name].value, from.elements[name].value] = [from.elements[name].value, form.elements[name].value];
    }
    if (files.length) { give(from); add(form, files); }
    forget(from);
    from.dispatchEvent(new Event("input", { bubbles: true }));
    from = null;
  });

  // ── Completion: @names, those one follows first, #tags, and :emoji ─────────
  let box = null, timer = 0, asked = "";
  const WORD = /(?:^|[^\p{L}\p{N}_&])([@#＠＃][\p{L}\p{M}\p{N}_]{1,30})$|(?:^|\s)(:[a-z\d_+-]{2,30})$/iu;
  const wordIn = (text) => { const found = text.match(WORD); return found?.[1] || found?.[2]; };
  const options = () => (box ? all("[role=option]", box) : []);
  const chosen = () => options().find((one) => one.getAttribute("aria-selected") === "true");
  function shut() {
    clearTimeout(timer);
    asked = "";
    if (!box) return;
    const area = box.previousElementSibling;
    area.removeAttribute("aria-activedescendant");
    area.removeAttribute("aria-controls");
    box.remove();
    box = null;
  }
  function choose(option) {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    box.previousElementSibling.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
  function take(option) {
    const area = box.previousElementSibling;
    const before = area.value.slice(0, area.selectionStart), after = area.value.slice(area.selectionStart);
    const start = before.length - wordIn(before).length;
    const done = `${before.slice(0, start)}${option.dataset.value} `;
    shut();
    area.value = done + after.replace(/^ /, "");
    area.setSelectionRange(done.length, done.length);
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  // Where the line with the caret ends, from the top of the box.
  function lineEnd(area) {
    const mirror = document.createElement("div"), style = getComputedStyle(area), mark = document.createElement("span");
    for (const name of ["font", "lineHeight", "padding", "whiteSpace", "overflowWrap", "direction"]) mirror.style[name] = style[name];
    Object.assign(mirror.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", inlineSize: `${area.clientWidth}px` });
    mark.textContent = "|";
    mirror.append(area.value.slice(0, area.selectionStart), mark);
    area.after(mirror);
    const end = mark.offsetTop + mark.offsetHeight - area.scrollTop;
    mirror.remove();
    return Math.min(end, area.clientHeight) + 4;
  }
  async function suggest(area, word) {
    const answer = await fetch(`/compose/complete?q=${encodeURIComponent(word)}`, { headers: { "HX-Request": "true" } })
      .catch(() => null);
    if (!answer?.ok || word !== asked) return;
    const text = await answer.text();
    if (word !== asked) return;
    box?.remove();
    box = null;
    if (!text.trim()) return;
    area.insertAdjacentHTML("afterend", text);
    box = area.nextElementSibling;
    box.style.insetBlockStart = `${area.offsetTop + lineEnd(area)}px`;
    area.setAttribute("aria-controls", box.id);
    choose(options()[0]);
    box.addEventListener("mousedown", (event) => event.preventDefault());
    box.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
  }
  document.addEventListener("input", (event) => {
    const area = event.target;
    if (!area.matches(".write textarea")) return;
    const word = wordIn(area.value.slice(0, area.selectionStart));
    clearTimeout(timer);
    if (!word) { shut(); return; }
    asked = word;
    timer = setTimeout(() => suggest(area, word), WAIT_MS);
  });
  document.addEventListener("keydown", (event) => {
    if (!box || !event.target.matches(".write textarea") || event.isComposing) return;
    const list = options(), at = list.indexOf(chosen());
    if (event.key === "ArrowDown") choose(list[(at + 1) % list.length]);
    else if (event.key === "ArrowUp") choose(list[(at - 1 + list.length) % list.length]);
    else if (event.key === "Escape") shut();
    else if ((event.key === "Enter" && !event.metaKey && !event.ctrlKey) || event.key === "Tab") take(list[at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("focusout", (event) => {
    if (event.target.matches(".write textarea")) shut();
  });
})();
