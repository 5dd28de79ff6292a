// The package's worker on a GPU that accepts no shader.
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return create.call(this, { ...descriptor, code: "no shader" });
};
await import("/dist/worker.js");
