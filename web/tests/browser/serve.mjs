// A file server for the tests: the package, numbers computed natively, and answers that go wrong.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const folders = {
  dist: join(here, "../../dist"),
  pages: join(here, "pages"),
  parity: process.env.KITH_PARITY ?? join(here, "nowhere"),
};
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

function answer(request, reply) {
  const path = normalize(decodeURIComponent(request.url.split("?")[0]));
  const [, folder = "", ...rest] = path.split("/");
  if (folder === "page-instead") return page(reply);
  if (path === "/") return page(reply);
  const file = folders[folder] && join(folders[folder], ...rest);
  if (!file || !existsSync(file) || !statSync(file).isFile()) {
    reply.writeHead(404, { "content-type": "text/plain" });
    return reply.end("not found");
  }
  const type = types[extname(file)] ?? "application/octet-stream";
  reply.writeHead(200, { "content-type": type, "content-length": statSync(file).size });
  createReadStream(file).pipe(reply);
}

function page(reply) {
  reply.writeHead(200, { "content-type": "text/html" });
  reply.end('<!doctype html><meta charset="utf-8"><title>kith-web</title>');
}

const port = Number(process.argv[2] ?? 0);
const server = createServer(answer).listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
