// The package's worker on a GPU whose driver gives no device.
GPUAdapter.prototype.requestDevice = async () => {
  throw new DOMException("the driver is busy", "OperationError");
};
await import("/dist/worker.js");
