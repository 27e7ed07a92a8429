// Comfort on top of pages that work without it: dialogs, counter, keys, toasts, quick answers.
(() => {
  "use strict";
  const LOW = 20, RING = 81.7, TOAST_MS = 6000, UNDO_MS = 10000;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const sheet = $("#sheet");
  // Words in the page's language: words.<language>.js has set WORDS, in English there is none.
  const words_ = window.WORDS || {}, forms = new Intl.PluralRules(document.documentElement.lang || "en");
  const t = (text) => words_[text] || text;
  const tn = (one, many, n) => ((words_[one] || {})[forms.select(n)] || (n === 1 ? one : many)).replace("{n}", n.toLocaleString(document.documentElement.lang));
  Object.assign(window, { t, tn });

  // ── Toasts ──────────────────────────────────────────────────────────────
  const leave = (toast) => setTimeout(() => toast.remove(), $("[formaction]", toast) ? UNDO_MS : TOAST_MS);
  function say({ text, error = false, href = "", label = "", again = null, undo = "" }) {
    const toast = document.createElement("div");
    toast.className = error ? "toast error" : "toast";
    const words = document.createElement("span");
    words.textContent = text;
    toast.append(words);
    if (href) {
      const link = document.createElement("a");
      link.href = href;
      link.textContent = label;
      toast.append(link);
    }
    if (again) {
      const button = document.createElement("button");
      button.textContent = label;
      button.addEventListener("click", () => { toast.remove(); again(); });
      toast.append(button);
    }
    if (undo && $("#act")) {
      const button = document.createElement("button");
      button.textContent = t("Undo");
      button.setAttribute("form", "act");
      button.setAttribute("formaction", undo);
      button.addEventListener("click", (event) => {
        event.preventDefault();
        htmx.ajax("POST", undo, { source: button, target: toast, swap: "none" });
        toast.hidden = true;
      });
      toast.append(button);
    }
    $("#toasts").replaceChildren(toast);
    leave(toast);
  }
  all(".toast:not(.error)").forEach(leave);
  document.addEventListener("toast", (event) => say(event.detail));

  // ── Dialogs: a link with data-sheet opens its page in the sheet ─────────
  const open = (url) =>
    htmx.ajax("GET", url, { target: "#sheet", swap: "innerHTML" }).then(() => {
      if (!sheet.firstElementChild) return;
      sheet.classList.toggle("sheet", !$(".ask", sheet));
      sheet.classList.toggle("small", Boolean($(".ask", sheet)));
      if (!sheet.open) sheet.showModal();
      ($("[autofocus]", sheet) || sheet).focus();
      all(".write", sheet).forEach(count);
    });
  const text = () => $(".write textarea", sheet)?.value.trim();
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("[data-sheet]");
    if (link) {
      event.preventDefault();
      link.closest("details")?.removeAttribute("open");
      open(link.href);
    } else if (event.target.closest("[data-close]") && sheet.contains(event.target)) {
      event.preventDefault();
      sheet.close();
    } else if (event.target === sheet && !text()) {
      sheet.close();
    }
  });
  sheet.addEventListener("close", () => sheet.replaceChildren());

  // ── Menus close on a click elsewhere and on Escape ──────────────────────
  document.addEventListener("click", (event) => {
    all("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target.closest(".mi")) menu.open = false;
    });
  });

  // ── Copy a link; the link itself is the way without this ────────────────
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-copy]");
    if (!link || !navigator.clipboard || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const label = t("Link copied.");
    navigator.clipboard.writeText(link.href).then(() => say({ text: label }), () => location.assign(link.href));
  });

  // ── Back goes back where there is a way, and keeps the scroll place ─────
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-back]");
    if (!link || !document.referrer.startsWith(location.origin) || history.length < 2) return;
    event.preventDefault();
    history.back();
  });

  // ── Buttons whose part of the page is answered alone ────────────────────
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[form=act][formaction]");
    const part = button && (button.closest(".deeds") || button.closest(".acts, .fo, .poll"));
    if (!part || part.dataset.whole !== undefined) return;
    event.preventDefault();
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    htmx.ajax("POST", button.getAttribute("formaction"), { source: button, target: part, swap: "outerHTML" })
      .finally(() => delete button.dataset.busy);
  });

  // ── A file that is too large is not sent for nothing ────────────────────
  document.addEventListener("change", (event) => {
    const { max, over } = event.target.dataset;
    if (max) event.target.setCustomValidity(event.target.files[0]?.size > max ? over : "");
  });

  // ── Saved searches, under an empty box: fetched when they are looked for ─
  document.addEventListener("focusin", (event) => {
    const kept = event.target.id === "q" && $("[data-kept]", event.target.form);
    if (!kept) return;
    delete kept.dataset.kept;
    htmx.ajax("GET", "/search/saved", { source: kept, target: kept, swap: "innerHTML" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest?.(".find")) document.activeElement.blur();
  });

  // ── A click on the white of a post opens it ─────────────────────────────
  document.addEventListener("click", (event) => {
    const post = event.target.closest(".tw:not(.still)");
    if (!post || event.target.closest("a, button, summary, details, input, textarea, [role=button], .act")) return;
    if (String(getSelection())) return;
    location.assign($(".when", post).href);
  });

  // ── Compose ─────────────────────────────────────────────────────────────
  let domains = null, asked = false;
  function learnDomains(form) {
    if (asked) return;
    asked = true;
    fetch(form.dataset.domains)
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer)))
      .then((list) => { domains = weigh.names(list); all(".write").forEach(count); })
      .catch(() => { asked = false; });
  }
  function count(form) {
    const area = $("textarea", form), box = $(".count", form), button = $(".btn", form);
    if (!area || !box) return;
    // Of a thread the longest counts.
    const words = all("textarea", form).map((one) => one.value.trim()).reduce((one, other) => (other.length > one.length ? other : one));
    // Only what may be an address needs the list.
    if (/\S\.\S/.test(words)) learnDomains(form);
    const limit = Number(form.dataset.limit), used = weigh(words, domains), left = limit - used;
    box.hidden = used === 0;
    box.classList.toggle("low", left <= LOW && left >= 0);
    box.classList.toggle("over", left < 0);
    $(".left", box).textContent = left <= LOW ? left : "";
    $("circle:last-child", box).style.strokeDashoffset = RING * (1 - Math.min(used / limit, 1));
    const brings = $("[name=media]", form) || all("input[type=file]", form).some((input) => input.files.length);
    area.required = !brings;
    button.setAttribute("aria-disabled", String((used === 0 && !brings) || left < 0));
  }
  const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  document.addEventListener("input", (event) => {
    const form = event.target.closest(".write");
    if (form) count(form);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.matches("input[type=file]") && event.target.closest(".write");
    if (form) count(form);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.target.closest(".write")?.requestSubmit();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest(".write");
    if (!form || $(".btn", form).getAttribute("aria-disabled") !== "true") return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("posted", () => {
    if (sheet.open) sheet.close();
    all(".write").forEach((form) => {
      form.reset();
      $(".err", form)?.remove();
      $(".kept", form)?.remove();
      all("details", form).forEach((one) => { one.open = false; });
      form.elements.key.value = fresh();
      count(form);
    });
    $("main .empty")?.remove();
  });
  all(".write").forEach(count);

  // ── Requests: quick answers, and honest ones when they fail ─────────────
  const numberOf = (node) => node && (node.textContent.trim() || "0");
  document.addEventListener("htmx:beforeRequest", (event) => {
    const source = event.detail.elt;
    if (source.matches(".write")) $(".btn", source).setAttribute("aria-busy", "true");
    if (!source.matches(".act[aria-pressed]")) return;
    const on = source.getAttribute("aria-pressed") !== "true", shown = $(".num", source);
    source.before_ = [String(!on), shown?.textContent];
    source.setAttribute("aria-pressed", String(on));
    if (on) source.classList.add("pop");
    const plain = numberOf(shown);
    if (plain && /^\d+$/.test(plain)) shown.textContent = Number(plain) + (on ? 1 : -1) || "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const source = event.detail.elt;
    if (source.matches?.(".write")) $(".btn", source)?.removeAttribute("aria-busy");
    if (event.detail.successful || !source.before_) return;
    source.setAttribute("aria-pressed", source.before_[0]);
    if (source.before_[1] !== undefined) $(".num", source).textContent = source.before_[1];
    delete source.before_;
  });
  const deeds = ["[data-key=r]", "button.rt", "button.like", "button.bm"];
  document.addEventListener("htmx:afterSwap", (event) => {
    // The pressed button was replaced: the keyboard must not lose its place. A key leaves it on the post.
    const isLost = document.activeElement === document.body;
    const pressed = event.detail.requestConfig?.elt, deed = deeds.find((one) => pressed?.matches?.(one));
    if (isLost && deed) $(deed, event.detail.elt.closest(".tw, .focal") || document)?.focus({ preventScroll: true });
    else if (isLost && (event.detail.target?.matches?.(".fo") || event.detail.elt?.matches?.(".fo"))) $("button", event.detail.elt)?.focus({ preventScroll: true });
    else if (isLost && event.detail.elt?.matches?.(".poll")) event.detail.elt.closest(".tw, .focal")?.focus({ preventScroll: true });
    all(".write").forEach(count);
  });
  const words = document.body.dataset;
  // What the outermost door says, in the reader's language, when it lets nobody in.
  function reason(answer) {
    const isSaid = answer?.status === 503 && (answer.getResponseHeader("Content-Type") || "").startsWith("application/problem+json");
    try { return isSaid ? JSON.parse(answer.responseText).detail : ""; } catch { return ""; }
  }
  function failed(event) {
    const source = event.detail.elt, answer = event.detail.xhr;
    if (answer?.getResponseHeader?.("HX-Trigger")) return;
    const why = reason(answer);
    if (source.matches(".write")) {
      const safe = t("Not sent. Your text is safe.");
      say({ error: true, text: why ? `${why} ${safe}` : safe, label: t("Retry"), again: () => source.requestSubmit() });
    } else {
      say({ error: true, text: why || t("That did not go through. Try again in a moment.") });
    }
  }
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, failed));

  // ── Keys ────────────────────────────────────────────────────────────────
  let went = 0;
  const posts = () => all("#main .tw, #main .focal, #main #stream > .row").filter((post) => !post.closest(".sheet"));
  function step(by) {
    const list = posts(), at = list.indexOf(document.activeElement?.closest(".tw, .focal, .row"));
    let next = list[at + by];
    if (at < 0) next = list.find((post) => post.getBoundingClientRect().top >= 56) || list[0];
    if (!next) return;
    next.focus({ preventScroll: true, focusVisible: true });
    next.scrollIntoView({ block: "nearest" });
  }
  const act = (key) => $(deeds[["r", "t", "l", "b"].indexOf(key)], document.activeElement?.closest(".tw, .focal") || $("#main .focal") || document.createElement("i"))?.click();
  const KEYS = {
    j: () => step(1), k: () => step(-1), n: () => document.body.dataset.me && open("/compose"),
    l: () => act("l"), t: () => act("t"), r: () => act("r"), b: () => act("b"), "?": () => open("/about?keys"), "/": () => { const box = $("#q"); if (box?.offsetParent) { box.focus(); box.select(); } else location.assign("/search"); },
    Enter: () => location.assign($(".when", document.activeElement).href),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details.menu[open]").forEach((menu) => { menu.open = false; $("summary", menu).focus(); });
    if (event.metaKey || event.ctrlKey || event.altKey || sheet.open) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "Enter" && !event.target.matches(".tw:not(.still)")) return;
    if (Date.now() - went < 1000 && words.me) {
      went = 0;
      if (event.key === "h") return location.assign("/home");
      if (event.key === "n") return location.assign("/notifications");
      if (event.key === "p") return location.assign(`/${words.me}`);
    }
    if (event.key === "g") { went = Date.now(); return; }
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });

  // ── Times that one chooses are meant in the computer's zone, unless another was chosen ──
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (words.me && zone && !/(^|; )zone=/.test(document.cookie)) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }

  // ── Offline there is a page that says so ────────────────────────────────
  if (navigator.serviceWorker && isSecureContext) addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => {}));

  // ── The floating button makes room while one reads on ───────────────────
  const fab = $(".fab");
  if (fab) {
    let last = scrollY;
    addEventListener("scroll", () => {
      if (Math.abs(scrollY - last) < 8) return;
      fab.classList.toggle("away", scrollY > last && scrollY > 120);
      last = scrollY;
    }, { passive: true });
  }
})();
