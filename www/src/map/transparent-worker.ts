/** Makes the white of sheets transparent, beside the page: overlapping pictures stay visible. */

/** How fast pixels become opaque as they get darker than white. */
const ALPHA_SLOPE = 6;

addEventListener("message", ({ data: url }: MessageEvent<string>) => {
  void transparent(url).then(
    (image) => postMessage({ url, image }, { transfer: [image] }),
    (error: unknown) => postMessage({ url, error: String(error) }),
  );
});

async function transparent(url: string): Promise<ImageBitmap> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`a sheet of pictures, ${url}: HTTP ${response.status}`);
  const sheet = await createImageBitmap(await response.blob());
  const canvas = new OffscreenCanvas(sheet.width, sheet.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(sheet, 0, 0);
  const image = context.getImageData(0, 0, sheet.width, sheet.height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    data[i + 3] = ALPHA_SLOPE * (255 - Math.min(data[i]!, data[i + 1]!, data[i + 2]!));
  }
  context.putImageData(image, 0, 0);
  return canvas.transferToImageBitmap();
}
