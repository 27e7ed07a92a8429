// The service worker, served as /sw.js with KEEP (version, offline, kept) in front of it.
// It answers only when the network does not, and only with what it fetched without cookies.
"use strict";
const STORE = `offline-${KEEP.version}`;

self.addEventListener("install", (event) => {
  const bare = KEEP.kept.map((url) => new Request(url, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(bare)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = caches.keys().then((names) => Promise.all(names.filter((name) => name !== STORE).map((name) => caches.delete(name))));
  // The page is asked for while this script starts: it costs a visit no time.
  const ahead = self.registration.navigationPreload ? self.registration.navigationPreload.enable() : null;
  event.waitUntil(Promise.all([tidy, ahead]).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(
      Promise.resolve(event.preloadResponse)
        .then((page) => page || fetch(request))
        .catch(() => caches.open(STORE).then((store) => store.match(KEEP.offline)).then((page) => page || Response.error())),
    );
  } else if (KEEP.kept.includes(new URL(request.url).pathname)) {
    event.respondWith(fetch(request).catch(() => caches.open(STORE).then((store) => store.match(request.url)).then((file) => file || Response.error())));
  }
});
