// A GPU whose shader for the gradient of a convolution's kernels multiplies wrongly; all others are right.
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  const { code } = descriptor;
  const wrong = code.includes("product_of_rows") ? code.replace(/\* /g, "+ ") : code;
  return create.call(this, { ...descriptor, code: wrong });
};
