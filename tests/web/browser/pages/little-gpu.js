// The package's worker on a GPU that has no memory for buffers of more than `most` bytes from a word on the channel on.
const most = Number(new URL(import.meta.url).searchParams.get("most"));
let full = false;
new BroadcastChannel("fill").onmessage = () => (full = true);

const create = GPUDevice.prototype.createBuffer;
GPUDevice.prototype.createBuffer = function (descriptor) {
  if (!full || descriptor.size <= most) return create.call(this, descriptor);
  // As the specification has it: an error, and a buffer that is none.
  const error = new GPUOutOfMemoryError("a buffer of " + descriptor.size + " bytes");
  this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error, cancelable: true }));
  this.pushErrorScope("validation");
  const none = create.call(this, { ...descriptor, usage: 0, mappedAtCreation: false });
  this.popErrorScope();
  return none;
};
await import("/dist/worker.js");
