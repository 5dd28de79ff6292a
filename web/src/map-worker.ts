/** The worker in which one map is computed: to give up is to end the worker. */
import { codeOf, computeMap, type MapMessage, type MapTask } from "./map.js";
import { describe } from "./describe.js";

const scope = globalThis as unknown as {
  postMessage(message: MapMessage, moved?: Transferable[]): void;
  onmessage: (event: { data: MapTask }) => void;
};

scope.onmessage = ({ data }) => {
  try {
    const points = computeMap(data, (message) => scope.postMessage(message));
    scope.postMessage({ points }, [points.buffer as ArrayBuffer]);
  } catch (error) {
    scope.postMessage({ failed: describe(error), code: codeOf(error) });
  }
};
