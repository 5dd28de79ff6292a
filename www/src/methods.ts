/** Names of training methods as papers write them. */
const NAMES: Readonly<Record<string, string>> = {
  barlow: "Barlow Twins",
  byol: "BYOL",
  dino: "DINO",
  lejepa: "LeJEPA",
  moco: "MoCo v2",
  moco_v3: "MoCo v3",
  nnclr: "NNCLR",
  simclr: "SimCLR",
  simsiam: "SimSiam",
  supcon: "SupCon",
  swav: "SwAV",
  vicreg: "VICReg",
  relational: "Relational reasoning",
};

/** A method that is not in the list keeps the name that the checkpoint gives. */
export const methodName = (method: string): string => NAMES[method] ?? method;
