/* The interviewer's app without a signal: all of its files, of one version, each checked against its hash. A new
 * version is fetched whole beside the old one and waits until the page says that nothing is open. */
const VERSION = "minyi-field-{{ version }}";
const SHELL = {{ shell|safe }};
const FILES = {{ files|safe }};

async function fill() {
  const cache = await caches.open(VERSION);
  await cache.add(new Request(SHELL, { cache: "reload", credentials: "same-origin" }));
  await Promise.all(FILES.map(([url, integrity]) => cache.add(new Request(url, { cache: "reload", integrity }))));
}

async function clean() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("minyi-field-") && name !== VERSION)
    .map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request, key) {
  const kept = await (await caches.open(VERSION)).match(key, { ignoreVary: true });
  return kept || fetch(request);
}

const LISTED = new Set(FILES.map(([url]) => url));

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(clean()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
  if (event.data === "claim") event.waitUntil(self.clients.claim());
});
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === SHELL) event.respondWith(answer(request, SHELL));
  else if (LISTED.has(url.pathname)) event.respondWith(answer(request, url.pathname));
});
