// The package's worker, which tells of the WebAssembly's memory and of GPU buffers that are alive.
import { bytes } from "/tests/wasm-memory.mjs";

let buffers = 0;
if (globalThis.GPUDevice) {
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    buffers += 1;
    return create.call(this, descriptor);
  };
  const destroy = GPUBuffer.prototype.destroy;
  GPUBuffer.prototype.destroy = function () {
    buffers -= 1;
    return destroy.call(this);
  };
}
const channel = new BroadcastChannel("watch");
channel.onmessage = ({ data }) => {
  if (data === "look") channel.postMessage({ wasm: bytes(), buffers });
};
await import("/dist/worker.js");
