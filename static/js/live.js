// What moves by itself on a page of a member: new posts announced, counters, badge; older posts on
// the way down. Without this the links "Refresh" and "Older posts" do the same.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const MAX_IDS = 40, FIRST_MS = 1000, LAST_MS = 60000, QUIET_MS = 3000;
  const stream = $("#stream"), pill = $("#pill"), note = $("#live");
  const language = document.documentElement.lang;
  // People and lists have no id, and are where their first link leads; a notification is its words.
  const rowOf = (row) => (row.matches(".told") ? row.textContent : $("a[href]", row)?.getAttribute("href") || "");
  const idOf = (post) => post.dataset.e || post.id || (post.matches(".row") ? rowOf(post) : "");
  const posts = (root = stream) => (root ? [...root.children].filter((one) => idOf(one)) : []);
  const page = (url) =>
    fetch(url, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer)))
      .then((text) => new DOMParser().parseFromString(text, "text/html"));

  // ── Numbers ─────────────────────────────────────────────────────────────
  function compact(count) {
    if (!count) return "";
    for (const [limit, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
      if (count < limit) continue;
      const whole = Math.floor(count / limit), tenth = Math.floor((count * 10) / limit) % 10;
      const shown = whole > 99 || !tenth ? whole : whole + tenth / 10;
      return shown.toLocaleString(language, { useGrouping: false }) + letter;
    }
    return String(count);
  }
  function setCount(post, place, text) {
    const shown = $(place, post);
    if (shown && shown.textContent.trim() !== text) shown.textContent = text;
  }
  // A tweet's own page spells its numbers out, in the words of the language: they are asked for.
  let isCounting = false;
  function recount(focal) {
    if (isCounting) return;
    isCounting = true;
    page(location.href)
      .then((fresh) => {
        const news = $(".focal .deeds", fresh)?.firstElementChild;
        if (news && document.contains(focal)) $(".deeds", focal).firstElementChild.replaceWith(news);
      })
      .catch(() => {})
      .finally(() => { isCounting = false; });
  }
  function counts(list) {
    for (const [id, replies, retweets, likes] of list) {
      const focal = $(`.focal[id="t${id}"]`);
      if (focal) recount(focal);
      all(`[id="t${id}"]`).forEach((post) => {
        const acts = $(".acts", post);
        if (!acts) return;
        setCount(acts, ".act .num", compact(replies));
        setCount(acts, "button.rt .num, span.act .num", compact(retweets));
        setCount(acts, ".like .num", compact(likes));
      });
    }
  }

  // ── The badge, and the title of the document ────────────────────────────
  const plainTitle = document.title.replace(/^\(\d+\+?\) /, "");
  let unread = Number($("[data-badge=notifications]")?.dataset.count || 0);
  function badge(count) {
    unread = count;
    all("[data-badge=notifications]").forEach((one) => {
      one.dataset.count = count;
      one.textContent = count > 99 ? "99+" : count || "";
      one.hidden = !count;
    });
    document.title = (count ? `(${count > 99 ? "99+" : count}) ` : "") + plainTitle;
  }
  if (unread) badge(unread);

  // ── The pill: how many there are; they come when one asks for them ──────
  const kinds = ["one", "two", "few", "many", "other"];
  const rules = new Intl.PluralRules(language);
  let isLoading = false;
  function announce(told) {
    if (!pill) return;
    const forms = pill.dataset.forms.split("|"), form = forms[kinds.indexOf(rules.select(told.new))] || forms[4];
    $(".label", pill).textContent = form.replace(/\d+/, told.new + (told.more ? "+" : ""));
    $(".faces", pill).replaceChildren(...told.faces.map(([shape, colours]) => {
      const face = $("template", pill).content.firstElementChild.cloneNode(true);
      face.setAttribute("class", `av a24 ${colours}`);
      face.firstElementChild.setAttribute("href", pill.dataset.sprite + "#" + shape);
      return face;
    }));
    pill.hidden = !told.new;
    $(".refresh")?.toggleAttribute("hidden", Boolean(told.new));
  }
  function take(fresh) {
    const known = new Set(posts().map(idOf)), found = posts($("#stream", fresh));
    const isConnected = found.some((one) => known.has(idOf(one)));
    const added = found.filter((one) => !known.has(idOf(one)));
    if (isConnected) stream.prepend(...added);
    else {
      stream.replaceChildren(...found);
      $(".older")?.replaceWith($(".older", fresh) || "");
    }
    $("main > .empty")?.remove();
    stream.dataset.newest = $("#stream", fresh)?.dataset.newest || stream.dataset.newest;
    return added;
  }
  function load() {
    if (!pill || isLoading) return;
    isLoading = true;
    pill.setAttribute("aria-busy", "true");
    page(pill.href)
      .then((fresh) => {
        const added = take(fresh);
        announce({ new: 0, faces: [] });
        scrollTo({ top: 0 });
        added[0]?.focus({ preventScroll: true });
        connect();
      })
      .catch(() => location.assign(pill.href))
      .finally(() => { isLoading = false; pill.removeAttribute("aria-busy"); });
  }
  pill?.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    load();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "." || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    event.preventDefault();
    load();
  });

  // ── The stream of events ────────────────────────────────────────────────
  let source = null, last = "", tries = 0, timer = 0, quiet = 0, isOver = false;
  function near() {
    const list = posts().filter((one) => /^t\d+$/.test(one.id));
    const middle = Math.max(0, list.findIndex((one) => one.getBoundingClientRect().bottom > 0) - MAX_IDS / 4);
    return list.slice(middle, middle + MAX_IDS).map((one) => one.id.slice(1));
  }
  function address() {
    const wanted = new URLSearchParams(), focal = $(".focal");
    if (pill) wanted.set("since", stream?.dataset.newest || "0");
    const ids = [...new Set([...(focal ? [focal.id.slice(1)] : []), ...near()])].slice(0, MAX_IDS);
    if (ids.length) wanted.set("ids", ids.join(","));
    if (last) wanted.set("last", last);
    return `/live?${wanted}`;
  }
  function on(name, act) {
    source.addEventListener(name, (event) => {
      last = event.lastEventId || last;
      act(JSON.parse(event.data));
    });
  }
  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }
  // Said a moment late: the start of a page that is left anyway says nothing.
  function offline(is) {
    clearTimeout(quiet);
    if (note && !is) note.hidden = true;
    else if (note) quiet = setTimeout(() => { note.hidden = false; }, QUIET_MS);
  }
  function again() {
    const wait = Math.min(FIRST_MS * 2 ** tries, LAST_MS) * (0.5 + Math.random());
    tries += 1;
    timer = setTimeout(connect, wait);
  }
  function connect() {
    close();
    if (document.hidden || isOver || !navigator.onLine) return;
    source = new EventSource(address());
    source.onopen = () => { tries = 0; offline(false); };
    source.onerror = () => {
      offline(true);
      // Where it gave up (an answer that was no stream), begin anew; else the browser does.
      if (source?.readyState === EventSource.CLOSED) { close(); again(); }
    };
    on("home", announce);
    on("counts", counts);
    on("notifications", (told) => badge(told.unread));
    on("gap", () => page(location.href).then(renew).catch(() => {}));
    on("end", (why) => { isOver = why === "session"; close(); offline(false); });
  }
  // What the page shows besides its texts, anew: nobody loses the line one reads.
  function renew(fresh) {
    all(".tw, .focal", fresh).forEach((one) => {
      all(`[id="${one.id}"]`).forEach((post) => {
        const mine = all(".acts .num", post), news = all(".acts .num", one);
        if (mine.length === news.length) mine.forEach((shown, place) => { shown.textContent = news[place].textContent; });
      });
    });
    const count = $("[data-badge=notifications]", fresh)?.dataset.count;
    if (count !== undefined) badge(Number(count));
  }
  if (document.body.dataset.me && window.EventSource) {
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : connect()));
    addEventListener("pagehide", close);
    addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
    addEventListener("online", () => { tries = 0; connect(); });
    addEventListener("offline", () => { close(); offline(true); });
    connect();
  }

  // ── Older posts come when one nears the end, and are there again on Back ─
  const KEY = `older:${location.pathname}${location.search}`;
  let pages = 0, isFetching = false;
  const olderLink = () => $("main > .older a[rel=next]");
  function fetchOlder() {
    const link = olderLink();
    if (!link || !stream || isFetching) return Promise.resolve(false);
    isFetching = true;
    link.setAttribute("aria-busy", "true");
    return page(link.href)
      .then((fresh) => {
        const known = new Set(posts().map(idOf));
        stream.append(...posts($("#stream", fresh)).filter((one) => !known.has(idOf(one))));
        $("main > .older").replaceWith($(".older", fresh) || "");
        pages += 1;
        watch();
        return true;
      })
      .catch(() => { link.removeAttribute("aria-busy"); return false; })
      .finally(() => { isFetching = false; });
  }
  const nearing = window.IntersectionObserver && new IntersectionObserver((entries) => {
    if (entries.some((one) => one.isIntersecting)) fetchOlder().then((done) => { if (done && source) connect(); });
  }, { rootMargin: "1200px 0px" });
  function watch() {
    nearing?.disconnect();
    const link = stream && olderLink();
    if (link) nearing?.observe(link);
  }
  addEventListener("pagehide", () => {
    try { sessionStorage.setItem(KEY, JSON.stringify({ pages, top: scrollY })); } catch { /* full or closed */ }
  });
  async function comeBack() {
    const kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
    if (performance.getEntriesByType("navigation")[0]?.type !== "back_forward" || !kept?.pages) return;
    history.scrollRestoration = "manual";
    while (pages < Math.min(kept.pages, 20) && (await fetchOlder()));
    scrollTo({ top: kept.top, behavior: "instant" });
  }
  comeBack().catch(() => {}).finally(watch);
})();
