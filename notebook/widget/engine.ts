/** kith-web's worker and WebAssembly out of what the widget brings: nothing is fetched from anywhere. */
import { probeDevice } from "kith-web";
import type { Device } from "kith-web";
import type { ElementOptions } from "kith-web/elements";
import WORKER from "worker-script";
import { ask, type Model } from "./kernel.js";

type Kind = "cpu" | "webgpu";

/** What all widgets of a page share, whichever copy of this script they run. */
interface Page {
  readonly wasm: Map<Kind, Promise<string>>;
  readonly options: Map<string, Promise<ElementOptions>>;
}

const KEY = Symbol.for(`kith-widget ${VERSION}`);
const page = ((globalThis as Record<symbol, unknown>)[KEY] ??= {
  wasm: new Map(),
  options: new Map(),
}) as Page;

/** Options with which elements open a widget's checkpoint; the same for the same checkpoint. */
export function elementOptions(model: Model): Promise<ElementOptions> {
  const device = model.get("device") as Device;
  const key = `${model.get("_checkpoint_hash") as string} ${device}`;
  const known = page.options.get(key);
  if (known) return known;
  const made = options(model, device);
  page.options.set(key, made);
  made.catch(() => page.options.delete(key));
  return made;
}

async function options(model: Model, device: Device): Promise<ElementOptions> {
  const { actual } = await probeDevice({ device });
  // A GPU that fails its test leaves the work to the CPU.
  const kinds: Kind[] = actual === "cpu" ? ["cpu"] : ["webgpu", "cpu"];
  const urls = await Promise.all(
    kinds.map(async (kind) => [kind, await wasm(model, kind)] as const),
  );
  const script = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  return {
    cache: "none",
    wasmUrl: Object.fromEntries(urls),
    worker: () => new Worker(script, { type: "module" }),
    fetch: async (from) => {
      const address = from instanceof Request ? from.url : String(from);
      if (!address.endsWith("#checkpoint")) return fetch(from);
      const [bytes] = await ask(model, { what: "checkpoint" });
      return new Response(bytes, { headers: { "content-length": String(bytes!.byteLength) } });
    },
  };
}

/** Address of a build of the WebAssembly, which Python is asked for once a page. */
function wasm(model: Model, kind: Kind): Promise<string> {
  const known = page.wasm.get(kind);
  if (known) return known;
  const made = unpacked(model, kind);
  page.wasm.set(kind, made);
  made.catch(() => page.wasm.delete(kind));
  return made;
}

async function unpacked(model: Model, kind: Kind): Promise<string> {
  const buffers = await ask(model, { what: "wasm", kind });
  const packed = new Blob(buffers).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(packed).arrayBuffer();
  return URL.createObjectURL(new Blob([bytes], { type: "application/wasm" }));
}
