// Takes screenshots of every panel, light, dark and on a phone, for review: test-results/www/looks.
import { expect, load, PANELS, test } from "./visit.js";

const folder = new URL("../test-results/www/looks/", import.meta.url).pathname;

for (const scheme of ["light", "dark"] as const) {
  test(`looks, ${scheme}`, async ({ visit }, { project }) => {
    const { page } = visit;
    const { width } = page.viewportSize()!;
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await visit.open("neighbours");
    await load(page);
    for (const panel of PANELS) {
      const name = await page.locator(`#panels [data-panel=${panel}]`).textContent();
      await page.getByRole("link", { name: name!, exact: true }).click();
      await expect(page.locator(`main > .${panel}`)).toBeVisible();
      await page.waitForTimeout(600);
      // As high as the page, so that what sticks to its edges covers nothing.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height });
      const path = `${folder}${panel}-${project.name}-${scheme}.png`;
      await page.screenshot({ path });
      await page.setViewportSize({ width, height: 900 });
    }
  });
}
