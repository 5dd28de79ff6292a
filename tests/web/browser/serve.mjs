// A file server for tests: folders by their first name in the path, and answers that go wrong.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".css": "text/css",
  ".wasm": "application/wasm",
};

/** Serves folders on a port of this machine (0: any); `""` is the folder of paths in no other. */
export async function serve(folders, port = 0) {
  const server = createServer((request, reply) => answer(folders, request, reply));
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

function answer(folders, request, reply) {
  const path = normalize(decodeURIComponent(request.url.split("?")[0]));
  const [, first = "", ...rest] = path.split("/");
  if (first === "page-instead") return page(reply);
  // The package with one build for the CPU in the place of all others.
  const alone = (name) => name.replace(/^kith_(webgpu|cpu_relaxed)/, "kith_cpu");
  const names = first === "cpu-alone" ? rest.map(alone) : rest;
  const file = first in folders ? join(folders[first], ...names) : join(folders[""] ?? "", path);
  const found = [file, join(file, "index.html")].find(
    (name) => existsSync(name) && statSync(name).isFile(),
  );
  if (!found && path === "/") return page(reply);
  if (!found) {
    reply.writeHead(404, { "content-type": "text/plain" });
    return reply.end("not found");
  }
  const type = types[extname(found)] ?? "application/octet-stream";
  reply.writeHead(200, { "content-type": type, "content-length": statSync(found).size });
  createReadStream(found).pipe(reply);
}

function page(reply) {
  reply.writeHead(200, { "content-type": "text/html" });
  reply.end('<!doctype html><meta charset="utf-8"><title>kith-web</title>');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const parity = process.env.KITH_PARITY ?? join(here, "nowhere");
  const folders = {
    "": join(here, "nowhere"),
    pages: join(here, "pages"),
    parity,
    tests: join(here, ".."),
    onnxruntime: join(here, "../../node_modules/onnxruntime-web/dist"),
  };
  const dist = join(here, "../../../web/dist");
  await serve({ ...folders, dist, "cpu-alone": dist }, Number(process.argv[2] ?? 0));
}
