// A worker in which a canvas above so many pixels stays empty without a word, as on iOS.
const most = Number(new URL(import.meta.url).searchParams.get("most"));
const read = OffscreenCanvasRenderingContext2D.prototype.getImageData;
OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...area) {
  const { width, height } = this.canvas;
  if (width * height > most) this.clearRect(0, 0, width, height);
  return read.apply(this, area);
};
await import("/dist/worker.js");
