import { Neighbours } from "./neighbours.jsx";

const EMOJI = ["broccoli", "dog face", "soccer ball", "sunflower", "tiger face", "watermelon"];

/** Rendered on the server: the pictures are in the page before any script has come. */
export default function Page() {
  const pictures = EMOJI.flatMap((emoji) =>
    ["Google", "Twitter"].map((vendor) => ({
      name: `${emoji} by ${vendor}`,
      url: `/pictures/${emoji.replace(" ", "-")}-${vendor.toLowerCase()}.png`,
    })),
  );
  return (
    <main>
      <h1>Emoji that are alike</h1>
      <Neighbours pictures={pictures} />
    </main>
  );
}
