// The log of what a browser asks for, and from whom: nobody but the server that the page came from.
import type { BrowserContext } from "@playwright/test";

/** Addresses that were asked for from another origin than `own`, as they come. */
export function elsewhere(context: BrowserContext, own: string): string[] {
  const { origin } = new URL(own);
  const asked: string[] = [];
  const look = (url: string) => {
    // `data:` has no origin, and `blob:` that of the page that made it.
    if (!/^(data:|about:)/.test(url) && new URL(url).origin !== origin) asked.push(url);
  };
  context.on("request", (request) => look(request.url()));
  context.on("page", (page) =>
    page.on("websocket", (socket) => look(socket.url().replace(/^ws/, "http"))),
  );
  return asked;
}
