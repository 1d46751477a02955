// Keeps the shell: style, script, mark, and the page that says that there is no connection. Never a balance, never a card.
"use strict";

const SHELL = __SHELL__;
const KEPT = __KEPT__;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(KEPT)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const named = address.pathname + address.search;
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/my/offline")));
  } else if (KEPT.includes(named)) {
    event.respondWith(caches.match(named).then((kept) => kept || fetch(event.request)));
  }
});
