/** Turns of the page's event loop: how much is computed in one, so that the page stays responsive. */

/** How long the page may compute in one turn, in ms: half of what it has to draw sixty times a second. */
const MOST_MS = 8;

let spent = 0;
let over: Promise<void> | undefined;

/** The end of this turn: the page has drawn and heard its events, where it had to. */
function turn(): Promise<void> {
  over ??= new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      [spent, over] = [0, undefined];
      resolve();
    };
    port2.postMessage(undefined);
  });
  return over;
}

/** Waits until work of so many ms fits into this turn. */
export async function fits(ms: number): Promise<void> {
  while (spent > 0 && spent + ms > MOST_MS) await turn();
}

/** Counts what was computed. */
export function count(ms: number): void {
  spent += ms;
  void turn();
}
