/** Where this browser keeps values between visits. */
import { createStore } from "idb-keyval";

export const store = createStore("kith", "page");
