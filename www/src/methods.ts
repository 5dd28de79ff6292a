/** Names of training methods as papers write them. */
const NAMES: Readonly<Record<string, string>> = {
  nnclr: "NNCLR",
  simclr: "SimCLR",
  relational: "Relational reasoning",
};

/** A method that is not in the list keeps the name that the checkpoint gives. */
export const methodName = (method: string): string => NAMES[method] ?? method;
