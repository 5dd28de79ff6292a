// The service worker: it caches the page on the first visit, so that it opens offline. Large files
// (WebAssembly, checkpoints, sheets of pictures) and the documentation are cached when the page reports that it is idle.
const NAME = `kith-page-${"VERSION"}`;
const FILES = "FILES";
const LARGE = /\.(wasm|webp|safetensors)$|report\.html$|^docs\//;
/** Files of encoders that not everybody opens: they are cached when they are used. */
const WANTED = /^encoders\//;

const small = () => FILES.filter((name) => !LARGE.test(name) && !WANTED.test(name));

addEventListener("install", (event) => event.waitUntil(keep(["./", ...small()])));

addEventListener("activate", (event) => event.waitUntil(forgetOlder().then(() => clients.claim())));

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
  if (event.data?.keepAllBut) event.waitUntil(keepRest(event.source, event.data.keepAllBut));
});

addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(registration.scope)) event.respondWith(answer(event));
});

async function keep(names) {
  const cache = await caches.open(NAME);
  await cache.addAll(names.map((name) => new Request(name, { cache: "no-cache" })));
}

/** One file after the other, so that the user's own requests come first. */
async function keepRest(client, without) {
  const cache = await caches.open(NAME);
  for (const name of FILES.filter((name) => !WANTED.test(name))) {
    if (without.some((word) => name.includes(word)) || (await cache.match(name))) continue;
    await cache.add(name);
  }
  client?.postMessage("all kept");
}

async function forgetOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith("kith-page-") && name !== NAME);
  await Promise.all(older.map((name) => caches.delete(name)));
}

/**
 * Answers from the cache, ignoring the query; otherwise from the network, and caches files of the
 * page.
 */
async function answer({ request }) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  const name = request.url.slice(registration.scope.length);
  if (response.ok && FILES.includes(name)) await cache.put(request, response.clone());
  return response;
}
