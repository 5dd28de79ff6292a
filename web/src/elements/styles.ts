/**
 * How the elements look. They take the page's font, colour and colour scheme; `--kith-…` changes the
 * rest, `::part` anything.
 */
const TEXT = `
:host { display: block; color: inherit; font: inherit; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
.frame {
  --line: var(--kith-line, color-mix(in srgb, currentColor 45%, transparent));
  --accent: var(--kith-accent, LinkText);
  --radius: var(--kith-radius, 0.4rem);
  --gap: var(--kith-gap, 0.5rem);
  position: relative; display: grid; gap: calc(1.5 * var(--gap)); min-width: 0; overflow-wrap: anywhere;
}
p, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap); }
.hint:empty, .device:empty { display: none; }
.device, .note, .caption { font-size: 0.875em; }
.pictures {
  display: grid; gap: var(--gap); align-items: start; grid-auto-rows: max-content;
  grid-template-columns: repeat(auto-fill, minmax(min(var(--kith-picture-size, 5rem), 100%), 1fr));
}
ul.pictures { max-height: var(--kith-pictures-height, 24rem); overflow: auto; padding: 3px; }
.picture {
  display: block; width: 100%; min-height: 44px; padding: 2px; font: inherit; color: inherit;
  border: 2px solid transparent; border-radius: var(--radius); background: none;
  cursor: pointer; text-align: center;
}
.picture:hover { border-color: var(--line); }
.picture[aria-selected="true"] { border-color: var(--accent); }
.picture img, .prediction img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: cover;
  border-radius: calc(var(--radius) / 2);
  background: color-mix(in srgb, currentColor 8%, transparent);
}
.caption { display: block; margin-top: 0.2rem; line-height: 1.25; hyphens: auto; font-variant-numeric: tabular-nums; }
button:not(.picture), input:not([type="file"]) {
  min-height: 44px; max-width: 100%; padding: 0.4rem 0.9rem; font: inherit; color: inherit;
  border: 1px solid var(--line); border-radius: var(--radius); background: transparent;
}
button:not(.picture):not(:disabled) { cursor: pointer; }
button:not(.picture):hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.55; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }
.input {
  display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap);
  padding: 0.4rem; border: 1px dashed var(--line); border-radius: var(--radius);
}
.frame.over { outline: 2px dashed var(--accent); outline-offset: 4px; }
.input.over { border: 1px solid var(--accent); background: color-mix(in srgb, var(--accent) 12%, transparent); }
.progress { display: grid; gap: 0.25rem; }
.progress progress { width: 100%; accent-color: var(--accent); }
.error {
  display: grid; gap: var(--gap); justify-items: start; padding: 0.6rem 0.8rem;
  border: 1px solid var(--line); border-left: 5px solid var(--kith-error, #d03b3b);
  border-radius: var(--radius);
}
.error li + li { margin-top: 0.3rem; }
.announced {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.classes, .predictions { display: grid; gap: var(--gap); }
.class { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap); }
.class > .name { flex: 0 1 auto; min-width: min(12rem, 100%); text-align: start; }
.class .input { padding: 0; border: 0; }
.measured { display: grid; gap: var(--gap); justify-items: start; }
.class .key { opacity: 0.75; }
.count { font-variant-numeric: tabular-nums; }
.prediction { display: grid; grid-template-columns: minmax(3rem, 5rem) 1fr; gap: calc(1.5 * var(--gap)); align-items: start; }
.shares { display: grid; gap: 0.2rem; }
.share { display: grid; grid-template-columns: minmax(4rem, 9rem) 1fr 4.5em; gap: var(--gap); align-items: center; }
.share > :last-child { text-align: end; font-variant-numeric: tabular-nums; }
.bar { height: 0.7em; border-radius: 0.35em; background: color-mix(in srgb, currentColor 12%, transparent); overflow: hidden; }
.bar::before { content: ""; display: block; height: 100%; width: calc(100% * var(--share)); background: var(--accent); }
@media (max-width: 30rem) {
  .share { grid-template-columns: 1fr 4.5em; }
  .share .bar { grid-column: 1 / -1; grid-row: 2; }
}
@media (forced-colors: active) {
  .picture[aria-selected="true"] { border-color: Highlight; }
  .bar::before { background: Highlight; forced-color-adjust: none; }
}
`;

let made: CSSStyleSheet | undefined;

/** One sheet for all elements of a page; a content security policy does not keep it out. */
export function sheet(): CSSStyleSheet {
  if (!made) {
    made = new CSSStyleSheet();
    made.replaceSync(TEXT);
  }
  return made;
}
