/** Opens the page. */
import { addAnnouncer } from "./announce.js";
import { onRefused } from "./address.js";
import { AppState } from "./app-state.js";
import { deviceStatus } from "./device-status.js";
import { acceptEncoderFiles } from "./encoder-files.js";
import { offline } from "./offline/offline.js";
import { openAddressCheckpoint } from "./address-checkpoint.js";
import { acceptPictures } from "./own/anywhere.js";
import { showPanels } from "./panels.js";
import { sayWhatIsPrinted } from "./printed.js";
import { tour } from "./tour.js";
import { errorBox } from "./error-box.js";

const byId = (id: string): HTMLElement => document.getElementById(id)!;

/** The address names panels, so the skip link must not change it: it only moves the focus. */
function setUpSkipLink(): void {
  document.querySelector(".skip")!.addEventListener("click", (event) => {
    event.preventDefault();
    byId("panel").focus();
  });
}

/** Says what the address asks for and cannot have. */
function sayWhatIsRefused(place: HTMLElement): void {
  onRefused((words) => {
    const said = words.map((each) => `${each}.`).join(" ");
    place.textContent = said && `In the address ${said} The usual is taken instead.`;
  });
}

async function open(): Promise<void> {
  addAnnouncer();
  sayWhatIsRefused(byId("refused"));
  sayWhatIsPrinted(byId("printed"));
  tour(byId("tour"), byId("tour-link") as HTMLAnchorElement);
  setUpSkipLink();
  try {
    const app = await AppState.open();
    showPanels(byId("panels"), byId("panel"), app);
    void app.restorePictures();
    void deviceStatus(byId("device"), app);
    void openAddressCheckpoint(app);
    acceptEncoderFiles(app);
    acceptPictures(app);
  } catch (error) {
    byId("panel").replaceChildren(errorBox(error, () => location.reload()));
  }
  offline(byId("offline"));
}

void open();
