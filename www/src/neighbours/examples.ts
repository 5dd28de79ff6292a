/** The examples of the panel Neighbours, and what is said of a picture and its other drawing. */
import type { AppState } from "../app-state.js";
import { yieldToBrowser } from "../debounce.js";
import { counterpart } from "../gallery.js";
import type { Picture } from "../picture.js";

/** The example that comes after a picture; the first after a picture that is none. */
export function nextExample({ gallery }: AppState, after?: Picture): Picture {
  const { chosen } = EXAMPLES;
  const place = after ? placeOf(gallery, after) : -1;
  return gallery[chosen[(place + 1) % chosen.length]?.picture ?? 0]!;
}

const placeOf = (gallery: readonly Picture[], { id }: Picture): number =>
  EXAMPLES.chosen.findIndex(({ picture }) => gallery[picture]?.id === id);

/** By which rule an example was chosen; undefined of a picture that somebody picked. */
export function rule({ gallery }: AppState, picture: Picture): string | undefined {
  const example = EXAMPLES.chosen[placeOf(gallery, picture)];
  if (!example) return undefined;
  const { share } = example;
  const place =
    share === 0.5 ? "in the middle" : `after ${Number((100 * share).toFixed(1))} % of them`;
  return `A rule chose this example, nobody picked it: of the ${EXAMPLES.count} emoji that were not in training, sorted by this number of the trained network, it is the one ${place}.`;
}

/** At which number each network finds the other vendor's drawing of a picture, if there is one. */
export async function rankSentence(app: AppState, picture: Picture): Promise<string | undefined> {
  const pair = counterpart(app.gallery, picture);
  if (!pair) return undefined;
  const said: string[] = [];
  for (const network of new Set([app.network, app.random])) {
    if (!network.hasEmbedding(picture) || !network.hasEmbedding(pair)) continue;
    const rank = network.rank(app.gallery, picture, pair).toLocaleString("en");
    said.push(`number ${rank} for ${network.title.replace(/^The /, "the ")}`);
    await yieldToBrowser();
  }
  if (said.length === 0) return undefined;
  const others = (app.gallery.length - 1).toLocaleString("en");
  return `The same emoji by the other vendor is ${said.join(", ")}, of ${others} other pictures.`;
}
