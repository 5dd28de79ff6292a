// The package's worker, which tells of the WebAssembly's memory and of GPU buffers that are alive.
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
let memory;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  memory = (made.instance ?? made).exports.memory;
  return made;
};
const channel = new BroadcastChannel("watch");
channel.onmessage = ({ data }) => {
  if (data === "look") channel.postMessage({ wasm: memory?.buffer.byteLength ?? 0, buffers });
};
await import("/dist/worker.js");
