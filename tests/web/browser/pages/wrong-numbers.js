// The package's worker on a GPU whose shaders multiply wrongly.
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  const code = descriptor.code.replace(/\* /g, "+ ");
  return create.call(this, { ...descriptor, code });
};
await import("/dist/worker.js");
