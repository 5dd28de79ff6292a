/** Fetching and compiling the WebAssembly, with progress and errors that say what to do. */
import { KithError } from "./errors.js";

/** Called with the number of bytes that have come, and of how many if that is known. */
export type OnBytes = (loaded: number, total: number | null) => void;

/** The compiled module at a URL. */
export async function compile(url: string, onBytes: OnBytes): Promise<WebAssembly.Module> {
  const response = await get(url);
  const bytes = response.body?.pipeThrough(counted(onBytes, sizeOf(response))) ?? null;
  const stream = new Response(bytes, { headers: { "content-type": "application/wasm" } });
  try {
    return await WebAssembly.compileStreaming(stream);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KithError("WASM_COMPILE", `${url} is not WebAssembly that runs here: ${said}`, {
      cause,
    });
  }
}

async function get(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new KithError("WASM_FETCH", `${url} cannot be fetched: ${String(cause)}`, { cause });
  }
  if (!response.ok) {
    throw new KithError(
      "WASM_FETCH",
      `${url}: expected the .wasm file, got HTTP ${response.status}`,
    );
  }
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("html")) {
    const message = `${url}: expected the .wasm file, got a page (${type})`;
    throw new KithError("WASM_FETCH", `${message}: the bundler did not copy it`);
  }
  return response;
}

/** Bytes of a body, if the response names them and they are not those of a compressed form. */
export function sizeOf(response: Response): number | null {
  const length = Number(response.headers.get("content-length"));
  return length > 0 && !response.headers.get("content-encoding") ? length : null;
}

/** Passes bytes on and counts them. */
export function counted(
  onBytes: OnBytes,
  total: number | null,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let loaded = 0;
  return new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      onBytes(loaded, total);
      controller.enqueue(chunk);
    },
  });
}
