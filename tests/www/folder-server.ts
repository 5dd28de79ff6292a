// A server of a folder by the contract of `kith label`: the page, the folder's images, and labels that
// are on the disk before they are acknowledged.
import {
  createReadStream,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../www/dist", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
};

export interface Mark {
  readonly label: string | null;
  readonly unknown: boolean;
  readonly aside: boolean;
}

interface Served {
  /** The images below the folder, in their order. */
  readonly files: readonly string[];
  readonly classes: readonly string[];
  /** The file of the network to use. */
  readonly checkpoint: string | undefined;
}

export class FolderServer {
  /** What it answers instead of storing. */
  refuse: { code: string; message: string; hint: string } | undefined;
  readonly #folder: string;
  readonly #served: Served;
  readonly #server = createServer((request, reply) => this.#answer(request, reply));

  constructor(folder: string, served: Served) {
    this.#folder = folder;
    this.#served = served;
  }

  /** Listens at a free port; returns its address. */
  async listen(): Promise<string> {
    await new Promise<void>((ready) => this.#server.listen(0, "127.0.0.1", ready));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  get #table(): string {
    return join(this.#folder, "labels.json");
  }

  /** What is on the disk, by file. */
  known(): Record<string, Mark> {
    if (!existsSync(this.#table)) return {};
    return JSON.parse(readFileSync(this.#table, "utf8")) as Record<string, Mark>;
  }

  #answer(request: IncomingMessage, reply: ServerResponse): void {
    const path = normalize(decodeURIComponent(request.url!.split("?")[0]!));
    if (path === "/label/folder.json") return json(reply, 200, this.#description());
    if (path === "/label/checkpoint.safetensors") return file(reply, this.#served.checkpoint);
    if (!path.startsWith("/label/")) {
      return file(reply, join(root, path === "/" ? "index.html" : path));
    }
    const image = this.#served.files[Number(/^\/label\/images\/(\d+)$/.exec(path)?.[1] ?? NaN)];
    if (request.method === "PUT" && image !== undefined) void this.#put(image, request, reply);
    else file(reply, image && join(this.#folder, image));
  }

  #description(): unknown {
    const { files, classes } = this.#served;
    const known = this.known();
    const nothing: Mark = { label: null, unknown: false, aside: false };
    const images = files.map((name) => ({ file: name, ...nothing, ...known[name] }));
    return { name: "photos", labels: "labels.csv", classes, images };
  }

  async #put(image: string, request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const text = Buffer.concat((await request.toArray()) as Buffer[]).toString();
    if (this.refuse) return json(reply, 507, this.refuse);
    const all = { ...this.known(), [image]: JSON.parse(text) as Mark };
    writeFileSync(`${this.#table}.new`, JSON.stringify(all));
    renameSync(`${this.#table}.new`, this.#table);
    reply.writeHead(204).end();
  }
}

function json(reply: ServerResponse, status: number, value: unknown): void {
  reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function file(reply: ServerResponse, path: string | undefined): void {
  if (path === undefined || !existsSync(path) || !statSync(path).isFile()) {
    reply.writeHead(404, { "content-type": "text/plain" }).end("not found");
    return;
  }
  const type = types[extname(path)] ?? "application/octet-stream";
  reply.writeHead(200, { "content-type": type });
  createReadStream(path).pipe(reply);
}
