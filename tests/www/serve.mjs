// A minimal file server: no headers but the type, no compression, and the page in a subfolder. The page
// has to work on such a server.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = "/some/folder/";
const types = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
};
const root = fileURLToPath(new URL("../../www/dist", import.meta.url));

createServer((request, reply) => {
  const path = normalize(decodeURIComponent(request.url.split("?")[0]));
  const file = join(root, path.slice(FOLDER.length) || "index.html");
  if (!path.startsWith(FOLDER) || !existsSync(file) || !statSync(file).isFile()) {
    reply.writeHead(404, { "content-type": "text/plain" });
    return reply.end("not found");
  }
  const type = types[extname(file)] ?? "application/octet-stream";
  reply.writeHead(200, { "content-type": type, "content-length": statSync(file).size });
  createReadStream(file).pipe(reply);
}).listen(Number(process.argv[2]), "127.0.0.1");
