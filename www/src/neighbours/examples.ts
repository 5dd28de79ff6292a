/** The examples of the panel Neighbours, and what is said of a picture and its other drawing. */
import type { AppState } from "../app-state.js";
import { counterpart } from "../gallery.js";
import type { Network } from "../network.js";
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
export function rankSentence(app: AppState, picture: Picture): string | undefined {
  const pair = counterpart(app.gallery, picture);
  const networks = [...new Set([app.network, app.random])].filter(
    (network) => network.hasEmbedding(picture) && pair && network.hasEmbedding(pair),
  );
  if (!pair || networks.length === 0) return undefined;
  const rank = (network: Network): string =>
    `number ${network.rank(app.gallery, picture, pair).toLocaleString("en")} for ${inSentence(network)}`;
  const others = (app.gallery.length - 1).toLocaleString("en");
  return `The same emoji by the other vendor is ${networks.map(rank).join(", ")}, of ${others} other pictures.`;
}

const inSentence = ({ title }: Network): string => title.replace(/^The /, "the ");
