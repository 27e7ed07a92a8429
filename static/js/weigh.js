// How long a post is by the rules of twitter-text, as `apps/tweets/text` has them on the server.
window.weigh = (() => {
  "use strict";
  const SPACES = "\\t-\\r \\x85\\xa0\\u1680\\u180e\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
  const DIRECTIONS = "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069", INVALID = "\\ufffe\\ufeff\\uffff";
  const ENDS = `\\x00-,\\/:-@\\[-\\^\`{-\\x7f${SPACES}${DIRECTIONS}${INVALID}`;
  const LATIN = "\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u024f\\u0253\\u0254\\u0256\\u0257\\u0259\\u025b\\u0263\\u0268\\u026f\\u0272\\u0289\\u028b\\u02bb\\u0300-\\u036f\\u1e00-\\u1eff";
  const CYRILLIC = "\\u0400-\\u052f\\u1c80-\\u1c88\\u1d2b\\u1d78\\u2de0-\\u2dff\\ua640-\\ua69f";
  const P = `[A-Za-z0-9${CYRILLIC}${LATIN}!*';:=+,.$\\/%#\\[\\]\\u2013_~&|@\\-]`;
  const RUN = new RegExp(`[^${ENDS}]+`, "gu");
  const BAD = /[A-Za-z0-9@\uff20$#\uff03\ufffe\ufeff\uffff]/, NAME = new RegExp(`[^${ENDS}._\\-]`, "u");
  const PORT = /:[0-9]+/y, PATH = new RegExp(`\\/(?:${P}+|\\((?:${P}+(?:\\(${P}+\\)${P}*)?|\\(${P}+\\)${P}*)\\))*`, "yu");
  const QUERY = /\?[A-Za-z0-9!?*'();:&=+$/%#[\]_.,~|@-]+/y;
  const TCO = /^https?:\/\/t\.co\/([a-z0-9]+)(?:\?[a-z0-9!?*'();:&=+$/%#[\]_.,~|@-]*[a-z0-9_&=#/-])?/i;
  const CHAINS = new RegExp(`(?:[A-Za-z0-9_${LATIN}\\-]+\\.)+`, "g"), SCHEME = /https?:\/\/$/i;
  const SKIN = "[\\u{1f3fb}-\\u{1f3ff}]", FLAG = "[\\u{1f1e6}-\\u{1f1ff}]";
  const PICTURE = `(?:\\p{Emoji_Modifier_Base}${SKIN}\\ufe0f?|(?![#*0-9\\xa9\\xae\\u2122\\u{1f1e6}-\\u{1f1ff}\\u{1f3fb}-\\u{1f3ff}])\\p{Emoji}\\ufe0f?)`;
  const SEQUENCE = new RegExp(`[0-9#*]\\ufe0f?\\u20e3|${FLAG}${FLAG}|\\u{1f3f4}[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{4,6}\\u{e007f}|${PICTURE}(?:\\u200d${PICTURE}){0,3}`, "gu");
  const LIGHT = /[\0-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]/gu;
  const URL_WEIGHT = 23, MAX_URL = 4096, MAX_LABEL = 63, MAX_SLUG = 40, LONG = 20000;
  const at = (pattern, text, place) => { pattern.lastIndex = place; return pattern.exec(text)?.[0] ?? ""; };

  function topEnd(text, start, names) {
    const word = at(/[A-Za-z]+/y, text, start), after = text[start + word.length] ?? "";
    if (word && !/[0-9@+-]/.test(after) && names.has(word.toLowerCase())) return start + word.length;
    for (let size = names.longest; size; size--) {
      const part = text.slice(start, start + size).toLowerCase();
      if (part.length === size && /[^\0-\x7f]/.test(part) && names.has(part) && !/[0-9A-Za-z@+-]/.test(text[start + size] ?? "")) return start + size;
    }
    const code = at(/xn--[0-9a-z]+/iy, text, start);
    return code ? start + code.length : 0;
  }

  // The length in punycode (RFC 3492), as a resolver is asked.
  function encodedLength(label) {
    const points = [...label].map((char) => char.codePointAt(0)), wide = points.filter((point) => point > 127);
    if (!wide.length) return label.length;
    let handled = points.length - wide.length, length = 4 + handled + (handled ? 1 : 0);
    let point = 128, delta = 0, bias = 72, first = true;
    while (handled < points.length) {
      const next = Math.min(...wide.filter((other) => other >= point));
      delta += (next - point) * (handled + 1);
      for (const other of points) {
        if (other < next) delta++;
        if (other !== next) continue;
        for (let rest = delta, step = 36; ; step += 36) {
          const limit = Math.min(Math.max(step - bias, 1), 26);
          length++;
          if (rest < limit) break;
          rest = Math.floor((rest - limit) / (36 - limit));
        }
        delta = Math.floor(delta / (first ? 700 : 2));
        delta += Math.floor(delta / ++handled);
        for (bias = 0; delta > 455; bias += 36) delta = Math.floor(delta / 35);
        bias += Math.floor((36 * delta) / (delta + 38));
        delta = 0;
        first = false;
      }
      delta++;
      point = next + 1;
    }
    return length;
  }

  function hostLength(host) {
    let total = -1;
    for (const label of host.split(".")) {
      let size = label.length;
      if (/[^\0-\x7f]/.test(label)) {
        if ([...label].length >= MAX_LABEL || /^xn--/i.test(label)) return 0;
        const parts = label.split(/[\u3002\uff0e\uff61]/);
        size = parts.reduce((sum, part) => sum + encodedLength(part), parts.length - 1);
      }
      if (size < 1 || size > MAX_LABEL) return 0;
      total += size + 1;
    }
    return total;
  }

  // Pairs of start and end, as `find_urls` gives them.
  function urls(text, names) {
    const found = [];
    let done = 0;
    const rest = (end) => {
      end += at(PORT, text, end).length;
      const path = at(PATH, text, end).replace(/[!*';:,.$%[\]~&|@\u2013]+$/, "");
      end += path.length;
      return [path, end + at(QUERY, text, end).replace(/[!?*'();:+$%[\].,~|@]+$/, "").length];
    };
    const fits = (start, end, size) => { const length = hostLength(text.slice(start, end)); return length > 0 && size + length - (end - start) <= MAX_URL; };
    const bare = (start, end) => {
      const [path, last] = rest(end);
      done = last;
      if ("-_./".includes(text[start - 1] || " ")) return;
      let hosts = [[start, end]];
      if (/[^\0-\x7f]/.test(text.slice(start, end))) {
        hosts = [];
        for (const chain of text.slice(start, end).matchAll(CHAINS)) {
          const begin = start + chain.index;
          for (let dot = begin + chain[0].length - 1; dot > begin; dot = text.lastIndexOf(".", dot - 1)) {
            const top = dot + 1 < end ? topEnd(text, dot + 1, names) : 0;
            if (top) { hosts.push([begin, Math.min(top, end)]); break; }
          }
        }
      }
      for (const [begin, to] of hosts) {
        const stop = path && to === end ? last : to;
        if (fits(begin, to, stop - begin + 8)) found.push([begin, stop]);
      }
    };
    const schemed = (start, host, end) => {
      const [, last] = rest(end);
      done = last;
      if (!fits(host, end, last - start)) return;
      const tco = TCO.exec(text.slice(start, last));
      if (!tco) found.push([start, last]);
      else if (tco[1].length <= MAX_SLUG) found.push([start, start + tco[0].length]);
    };
    RUN.lastIndex = 0;
    for (let run; (run = RUN.exec(text)); RUN.lastIndex = Math.max(RUN.lastIndex, done)) {
      if (!run[0].includes(".")) continue;
      const labels = run[0].split("."), begins = [], tops = [], tails = [];
      let place = run.index;
      for (const label of labels) { begins.push(place); place += label.length + 1; }
      const ends = (label) => !label || "-_".includes(label.at(-1));
      for (let i = labels.length - 1; i >= 0; i--) {
        tops[i] = tails[i] = 0;
        if (!labels[i] || "-_".includes(labels[i][0])) continue;
        if (i) tops[i] = topEnd(text, begins[i], names);
        if (i + 1 < labels.length && !ends(labels[i])) tails[i] = tails[i + 1] || (labels[i].includes("_") ? 0 : tops[i + 1]);
      }
      const scheme = SCHEME.exec(text.slice(Math.max(run.index - 8, 0), run.index));
      if (scheme && tails[0]) {
        const start = run.index - scheme[0].length;
        if (start === 0 || (start > done && !BAD.test(text[start - 1]))) schemed(start, run.index, tails[0]);
      }
      for (let i = 0; i < labels.length - 1; i++) {
        const last = begins[i + 1] - 1;
        if (last <= done || ends(labels[i])) continue;
        const end = tails[i + 1] || tops[i + 1];
        if (!end) continue;
        let start = Math.max(tails[i + 1] ? begins[i] : begins[i] + labels[i].lastIndexOf("_") + 1, done ? done + 1 : 0);
        while (start < last && (!NAME.test(text[start]) || (start && BAD.test(text[start - 1])))) start++;
        if (start < last) { bare(start, end); i--; }
      }
    }
    return found;
  }

  // Without `names`, the top-level domains as `weigh.names` makes them of a list, no address is seen.
  const weigh = (text, names) => {
    if (!/\p{M}{31}/u.test(text)) text = text.normalize();
    let weight = 0, done = 0, left = "";
    for (const [start, end] of names && text.includes(".") && text.length < LONG ? urls(text, names) : []) {
      left += `${text.slice(done, start)}\n`;
      weight += URL_WEIGHT - 1;
      done = end;
    }
    const chars = (left + text.slice(done)).replace(SEQUENCE, "\u{1f600}");
    const all = [...chars].length;
    return weight + 2 * all - (chars.match(LIGHT)?.length ?? 0);
  };
  weigh.names = (list) => {
    const names = new Set(list.split("\n").filter(Boolean));
    names.longest = Math.max(...[...names].filter((name) => /[^\0-\x7f]/.test(name)).map((name) => name.length));
    return names;
  };
  return weigh;
})();
