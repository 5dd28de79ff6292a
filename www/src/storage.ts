/** Where this browser keeps values between visits. */
import { createStore, type UseStore } from "idb-keyval";

/** A store whose errors are rejections, also where a browser refuses at once, as with blocked cookies. */
export function openStore(database: string, name: string): UseStore {
  const store = createStore(database, name);
  return async (mode, callback) => store(mode, callback);
}

export const store = openStore("kith", "page");
