// The package without its elements: an encoder, an index, and buttons of the page's own.
import { KnnIndex, loadEncoder } from "kith-web";

const EMOJI = ["broccoli", "dog face", "soccer ball", "sunflower", "tiger face", "watermelon"];
const pictures = EMOJI.flatMap((emoji) =>
  ["Google", "Twitter"].map((vendor) => ({
    name: `${emoji} by ${vendor}`,
    url: `pictures/${emoji.replace(" ", "-")}-${vendor.toLowerCase()}.png`,
  })),
);
const output = document.querySelector("output");

const encoder = await loadEncoder("encoder.safetensors", {
  onProgress: ({ fraction }) => {
    output.textContent = `${Math.round(100 * fraction)} % loaded`;
  },
});
const embeddings = await encoder.embed(pictures.map(({ url }) => url));
const index = new KnnIndex(encoder.info.dim);
index.add(
  embeddings,
  pictures.map(({ name }) => ({ id: name })),
);

function choose(name, place) {
  const [[nearest]] = index.query(embeddings.row(place), { k: 1, exclude: [name] });
  output.textContent = `${name}: ${nearest.id}, ${nearest.similarity.toFixed(3)}`;
}

for (const [place, { name, url }] of pictures.entries()) {
  const image = Object.assign(new Image(64, 64), { src: url, alt: name });
  const button = document.createElement("button");
  button.append(image);
  button.addEventListener("click", () => choose(name, place));
  document.querySelector("#pictures").append(button);
}
output.textContent = `computed on: ${encoder.device.actual}; choose a picture`;
