/**
 * The documentation as pages beside the page: `docs/NAME.html`, with the page's own policy and
 * stylesheet, so that everything is there wherever the page lies, also offline.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Marked, type RendererObject, type Tokens } from "marked";
import type { Plugin } from "vite";

const ROOT = resolve(import.meta.dirname, "../..");
/** Texts beside those of the folder `docs`, and the names of their pages. */
const OTHERS: Readonly<Record<string, string>> = {
  "README.md": "readme",
  "web/README.md": "kith-web",
  "ARCHITECTURE.md": "architecture",
  "CHANGELOG.md": "changelog",
  "SECURITY.md": "security",
  "notebook/README.md": "notebook",
  "assets/gallery/NOTICE.md": "gallery",
};

/** Writes the pages into the build. */
export function docs(): Plugin {
  return {
    name: "docs",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("docs: expected index.html in the build");
        const library = new Library(headOf(String(page.source)));
        for (const [fileName, source] of library.files()) {
          this.emitFile({ type: "asset", fileName: `docs/${fileName}`, source });
        }
      },
    },
  };
}

/** What the pages have in common with the page itself: its policy, colours, icon and stylesheet. */
function headOf(html: string): string {
  const wanted =
    /<meta\b[^>]*?(?:http-equiv|charset|viewport|color)[^>]*>|<link\b[^>]*?(?:stylesheet|icon)[^>]*>/g;
  const lines = html.match(wanted) ?? [];
  if (!lines.some((line) => line.includes("Content-Security-Policy"))) {
    throw new Error("docs: expected a content security policy in index.html");
  }
  return lines.map((line) => line.replace(/(href=")\.\//, "$1../")).join("\n    ");
}

interface Text {
  /** The name of its page. */
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly html: string;
}

class Library {
  readonly #head: string;
  /** Files that texts link to, by the names under which they are copied. */
  readonly #copies = new Map<string, string>();
  readonly #texts: readonly Text[];

  constructor(head: string) {
    this.#head = head;
    const own = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
    const paths = [...Object.keys(OTHERS), ...own.sort().map((name) => `docs/${name}`)];
    this.#texts = paths.map((path) => this.#read(path));
  }

  /** Every file by its name: the pages, then what they link to. */
  *files(): Generator<[name: string, source: string | Uint8Array]> {
    for (const text of this.#texts) yield [`${text.name}.html`, this.#page(text)];
    for (const [name, path] of this.#copies) yield [name, readFileSync(join(ROOT, path))];
  }

  #read(path: string): Text {
    const source = readFileSync(join(ROOT, path), "utf8");
    const marked = new Marked({
      renderer: rendererOf((name) => join(ROOT, this.#copies.get(name)!)),
    });
    const tokens = marked.lexer(source);
    marked.walkTokens(tokens, (token) => {
      if (token.type === "link" || token.type === "image")
        token["href"] = this.#address(path, token as Tokens.Link);
    });
    const words = (type: string): string => {
      const found = tokens.find((token) => token.type === type);
      return plain(found && "text" in found ? String(found.text) : basename(path));
    };
    const [title, summary] = [words("heading"), words("paragraph")];
    return { name: nameOf(path), title, summary, html: tidy(marked.parser(tokens)) };
  }

  /** The address of what a text links to, from its page. */
  #address(from: string, { href }: Tokens.Link): string {
    if (/^(https?:|mailto:|#)/.test(href)) return href;
    const [file = "", hash] = href.split("#");
    const path = relative(ROOT, resolve(ROOT, dirname(from), file));
    // A folder has no page of its own.
    if (!statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile())
      throw new Error(`${from} links to ${href}, which is no file there`);
    const anchor = hash === undefined ? "" : `#${hash}`;
    if (path.endsWith(".md")) return `${nameOf(path)}.html${anchor}`;
    // Servers know the type of few endings.
    const name = path.endsWith(".png") ? basename(path) : `${basename(path)}.txt`;
    this.#copies.set(name, path);
    return name;
  }

  #page(text: Text): string {
    const links = this.#texts.map(({ name, title }) => {
      const current = name === text.name ? ' aria-current="page"' : "";
      return `<li><a href="${name}.html"${current}>${escaped(title)}</a></li>`;
    });
    return `<!doctype html>
<html lang="en">
  <head>
    ${this.#head}
    <meta name="description" content="${escaped(text.summary)}" />
    <title>${escaped(/^kith\b/.test(text.title) ? text.title : `${text.title} · kith`)}</title>
  </head>
  <body class="document">
    <a class="skip" href="#text">Skip to the text</a>
    <header><a href="../index.html">What do pictures have in common? The page</a></header>
    <nav aria-label="Documentation">
      <ul>
        ${links.join("\n        ")}
      </ul>
    </nav>
    <main id="text" tabindex="-1">
${text.html}
    </main>
  </body>
</html>
`;
  }
}

const nameOf = (path: string): string => OTHERS[path] ?? basename(path, ".md");

const escaped = (words: string): string =>
  words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Words without their marks, short enough for the line of a search engine. */
function plain(markdown: string): string {
  const words = markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*_]/g, "");
  return words.length <= 155 ? words : `${words.slice(0, 154).replace(/\s\S*$/, "")} …`;
}

/** How headings, links and pictures of a text are written; `fileOf` says where a copied file lies. */
function rendererOf(fileOf: (name: string) => string): RendererObject {
  return {
    /** With the name that GitHub gives it, so that links to it work there and here. */
    heading({ depth, text, tokens }) {
      const words = plain(text).toLowerCase();
      const id = words.replace(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-");
      return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    /** What lies elsewhere says so, and is told nothing of this page. */
    link({ href, tokens }) {
      const more = /^https?:/.test(href) ? ' class="elsewhere" rel="noreferrer"' : "";
      return `<a href="${escaped(href)}"${more}>${this.parser.parseInline(tokens)}</a>`;
    },
    /** Of known size, so that nothing moves when it comes. */
    image({ href, text }) {
      const bytes = readFileSync(fileOf(href));
      const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
      return `<img src="${href}" alt="${escaped(text)}" width="${width}" height="${height}" loading="lazy" />`;
    },
  };
}

/** What scrolls can be scrolled by keyboard; a table's empty corner is no heading. */
function tidy(html: string): string {
  return html
    .replaceAll("<pre>", '<pre tabindex="0">')
    .replaceAll("<table>", '<div class="wide" tabindex="0"><table>')
    .replaceAll("</table>", "</table></div>")
    .replace(/<th[^>]*><\/th>/g, "<td></td>");
}
