// The package's worker, which tells of the WebAssembly's memory and of GPU buffers that are alive.
import { bytes } from "/tests/wasm-memory.mjs";

let buffers = 0;
// wgpu destroys no buffer that it lets go of: the browser frees it with the object.
const collected = new FinalizationRegistry(() => (buffers -= 1));
if (globalThis.GPUDevice) {
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    buffers += 1;
    const buffer = create.call(this, descriptor);
    collected.register(buffer, undefined, buffer);
    return buffer;
  };
  const destroy = GPUBuffer.prototype.destroy;
  GPUBuffer.prototype.destroy = function () {
    if (collected.unregister(this)) buffers -= 1;
    return destroy.call(this);
  };
}
const channel = new BroadcastChannel("watch");
channel.onmessage = ({ data }) => {
  if (data === "look") channel.postMessage({ wasm: bytes(), buffers });
};
await import("/dist/worker.js");
