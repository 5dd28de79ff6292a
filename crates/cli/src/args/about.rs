//! What the help of some verbs says at length.

pub(super) const EXITS: &str = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 unusable data, settings \
or checkpoint, 4 file system, 5 network, 130 interrupted (resume with --resume).";

pub(super) const IMPORT: &str = "Make a checkpoint of somebody else's encoder

ResNet-18, -34 and -50, vision transformers (timm, DINO, DINOv2 with and without registers, MAE, MoCo v3), \
EfficientNet-Lite and MobileNetV3-small are recognised by their names and shapes, also within checkpoints \
of MoCo, SimSiam, BYOL, DINO, Barlow Twins, VICReg, VISSL, lightly and solo-learn. What no shape tells is \
asked for; what is assumed is said.";

pub(super) const EXPORT: &str = "Write a checkpoint anew, smaller, or in a form that other programs read

Without --onnx and --torch it stays a checkpoint of kith's, without what only training needs. --onnx writes \
the encoder with the preparation of its pixels (opset 17, any number of images at a time) as one file, or as \
a folder that transformers.js loads. --torch writes its weights under the names of torchvision or timm.";

pub(super) const CLEAN: &str = "Find near-duplicates, doubtful labels and outliers, and move files aside

The report shows every finding with its images. Open it in a browser, accept or reject, and save the list. \
Nothing is moved before you give that list to --apply, nothing is ever deleted or overwritten, and --undo \
moves everything back.

  kith clean --data folder:DIR --checkpoint runs/NAME
  kith clean --apply accepted.json --move-to ASIDE
  kith clean --undo ASIDE

All images are looked at, and all labels that the data have. docs/cleaning.md says how things are found.";

pub(super) const LABEL: &str = "Label the images of a folder in the page, which proposes what to label next

Every label is written to labels.csv in the folder (or --labels) before the page shows it as done; images, \
encoder and labels stay on this machine. `folder:DIR` then reads the labels.

  kith label photos --checkpoint runs/NAME
  kith semi --data folder:photos --from runs/NAME

With --simulate nobody labels: images of --data whose labels are known are labelled as each rule proposes, \
and a report compares how many labels each rule needs.

  kith label --simulate --data gallery --checkpoint runs/NAME";

pub(super) const REPLAY: &str = "Run a recorded run again, and say how far it agrees

A finished `kith pretrain` leaves replay.json in its folder: recipe, seed, fingerprints of its images, the \
losses of its first steps and of its epochs, and what came of it. --link prints the same as the end of an \
address; the page's Learn panel gives such addresses, too.

  kith replay runs/NAME
  kith replay runs/NAME --link
  kith replay 'https://example.org/#learn?run=…'

On one kind of CPU a run agrees to the bit. Elsewhere sums are rounded otherwise. What rounding does to this \
run is measured: its first steps are run again from weights that begin a few units in the last place away. \
A difference of more than four times theirs is none of rounding's, and the command ends with DEPARTS, as it \
does where a share of test images differs by more than chance explains.";

pub(super) const RESUME: &str = "Go on with a run that was begun in the page, on its pictures

In the page's panel Learn, \"Take it to a terminal\" saves a run with its pictures as one file. This command \
trains on from there, on this machine's GPU or all its cores, and writes the file anew: the page's \"Open a run \
file\" goes on with it, and so does this command after it was interrupted. A checkpoint is written beside it.

  kith resume run.safetensors
  kith evaluate run-checkpoint.safetensors --data folder:photos";

pub(super) const WORKER: &str = "Lend this machine's device to training that runs on another machine

`kith pretrain --device remote:HOST` there sends it a part of every batch, or all of it, with the weights of \
the encoder, and gets features and gradients back; `kith sweep` does so, too. Both machines need the same \
version of kith.

  kith worker --device gpu                    # on the machine called lab
  ssh -N -L 8500:localhost:8500 lab           # on yours, beside the next
  kith pretrain --device remote:localhost

A worker listens on its own machine alone. --listen opens it to a network: do so only where you trust the \
network, since whoever reaches it can compute by it, and nothing is encrypted.

  kith worker --listen 0.0.0.0:8500           # on the machine called lab
  kith pretrain --device cpu,remote:lab       # on yours, which shares the batches";
