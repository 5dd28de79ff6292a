"""Nearest pictures, and classes by examples, in a notebook.

An encoder of kith's runs in the browser that shows the notebook, on WebGPU or the CPU, and what comes
of it is back in Python as numpy arrays. Pictures and the checkpoint go from the kernel to the browser
and nowhere else; script, worker and WebAssembly are in this package.

    from kith_widget import KithNeighbours

    widget = KithNeighbours(images=paths, checkpoint="encoder.safetensors")
    widget             # choose a picture
    widget.embeddings  # numpy, [images, dim]
"""

from __future__ import annotations

import hashlib
import io
import pathlib
from collections.abc import Sequence
from importlib.metadata import version

import anywidget
import numpy as np
import traitlets

__all__ = ["KithNeighbours", "KithProbe"]
__version__ = version("kith-widget")

_STATIC = pathlib.Path(__file__).parent / "static"


def _png(pixels: object) -> bytes:
    """Bytes of a picture file, of an array or of one of Pillow's images."""
    from PIL import Image

    if isinstance(pixels, np.ndarray):
        right = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] in (3, 4)
        if not right:
            got = f"{pixels.dtype} {list(pixels.shape)}"
            raise ValueError(f"expected uint8 [height, width, 3 or 4], got {got}")
        pixels = Image.fromarray(pixels)
    if not isinstance(pixels, Image.Image):
        kind = type(pixels).__name__
        raise TypeError(f"expected a path, bytes, a numpy array or a Pillow image, got {kind}")
    file = io.BytesIO()
    pixels.save(file, format="PNG")
    return file.getvalue()


def _source(image: object, place: int) -> tuple[str, pathlib.Path | bytes]:
    """The name of a picture, and where its bytes come from."""
    if isinstance(image, (str, pathlib.Path)):
        path = pathlib.Path(image)
        if not path.is_file():
            raise FileNotFoundError(f"picture {place}: {path} is no file")
        return path.name, path
    name = f"picture {place}"
    if isinstance(image, (bytes, bytearray, memoryview)):
        return name, bytes(image)
    try:
        return name, _png(image)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _bytes_of(source: pathlib.Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _to_json(array: np.ndarray | None, _: object) -> dict | None:
    if array is None:
        return None
    return {"shape": list(array.shape), "data": memoryview(array.astype("<f4").tobytes())}


def _from_json(value: dict | None, _: object) -> np.ndarray | None:
    if value is None:
        return None
    return np.frombuffer(value["data"], dtype="<f4").reshape(value["shape"]).copy()


def _array(of: str) -> traitlets.Instance:
    trait = traitlets.Instance(np.ndarray, allow_none=True, help=of)
    return trait.tag(sync=True, to_json=_to_json, from_json=_from_json)


class _Widget(anywidget.AnyWidget):
    """What both widgets have in common: pictures, a checkpoint, and what the encoder makes of them."""

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"
    _tag = traitlets.Unicode().tag(sync=True)
    _pictures = traitlets.List().tag(sync=True)
    _checkpoint_name = traitlets.Unicode().tag(sync=True)
    _checkpoint_hash = traitlets.Unicode().tag(sync=True)

    device = traitlets.Enum(["auto", "webgpu", "cpu"], "auto", help="What computes.").tag(sync=True)
    state = traitlets.Unicode("empty", help="empty … ready, or error.").tag(sync=True)
    errors = traitlets.List(help="What went wrong, one sentence each.").tag(sync=True)
    embeddings = _array("float32 [images, dim], rows of length 1; NaN for a picture that failed.")

    def __init__(self, images: Sequence, checkpoint: str | pathlib.Path | bytes, **traits) -> None:
        self._sources: list[pathlib.Path | bytes] = []
        self._checkpoint: pathlib.Path | bytes = b""
        super().__init__(**traits)
        self.on_msg(self._asked)
        self.checkpoint = checkpoint
        self.images = images

    @property
    def images(self) -> list[str]:
        """Names of the pictures. Set: paths, bytes of files, uint8 arrays, or Pillow images."""
        return [picture["name"] for picture in self._pictures]

    @images.setter
    def images(self, images: Sequence) -> None:
        named = [_source(image, place) for place, image in enumerate(images)]
        self._sources = [source for _, source in named]
        self.embeddings = None
        # The number tells the same names apart from those before.
        number = self._pictures[0]["of"] + 1 if self._pictures else 0
        self._pictures = [{"name": name, "of": number} for name, _ in named]

    @property
    def checkpoint(self) -> str:
        """Name of the checkpoint. Set: a path, or the bytes of a file."""
        return self._checkpoint_name

    @checkpoint.setter
    def checkpoint(self, checkpoint: str | pathlib.Path | bytes) -> None:
        if not isinstance(checkpoint, bytes):
            checkpoint = pathlib.Path(checkpoint)
            if not checkpoint.is_file():
                raise FileNotFoundError(f"the checkpoint: {checkpoint} is no file")
        self._checkpoint = checkpoint
        self._checkpoint_name = getattr(checkpoint, "name", "checkpoint.safetensors")
        self._checkpoint_hash = hashlib.sha256(_bytes_of(checkpoint)).hexdigest()

    def _asked(self, _: object, question: dict, buffers: object) -> None:
        """Answers the browser, which asks for bytes when it needs them."""
        try:
            answer, error = self._answer(question), {}
        except OSError as failure:
            answer, error = [], {"error": str(failure)}
        self.send({"id": question["id"], **error}, buffers=answer)

    def _answer(self, question: dict) -> list[bytes]:
        if question["what"] == "wasm":
            kind = {"cpu": "cpu", "webgpu": "webgpu"}[question["kind"]]
            return [(_STATIC / f"kith_{kind}_bg.wasm.gz").read_bytes()]
        if question["what"] == "checkpoint":
            return [_bytes_of(self._checkpoint)]
        return [_bytes_of(source) for source in self._sources[question["from"] : question["to"]]]


class KithNeighbours(_Widget):
    """Pictures, and the nearest others of a chosen one by the cosine of their embeddings."""

    k = traitlets.Int(5, min=1, help="Neighbours that are shown.").tag(sync=True)
    selected = traitlets.Int(None, allow_none=True, help="Place of the chosen picture.").tag(sync=True)
    neighbours = traitlets.List(help="Of the chosen picture: place and cosine, nearest first.").tag(
        sync=True
    )

    def __init__(self, images: Sequence, checkpoint: str | pathlib.Path | bytes, **traits) -> None:
        super().__init__(images, checkpoint, _tag="kith-neighbours", **traits)


class KithProbe(_Widget):
    """Pictures that get classes by hand, and a linear probe that learns them.

    `labels` has a word or None for each picture; it can be set, and changes when somebody labels.
    """

    labels = traitlets.List(help="Each picture's class, or None.").tag(sync=True)
    names = traitlets.List(help="Classes that are there before they have a picture.").tag(sync=True)
    classes = traitlets.List(help="The probe's classes, sorted.").tag(sync=True)
    probabilities = _array("float32 [images, classes]; NaN for a picture that failed.")
    accuracy = traitlets.Float(None, allow_none=True, help="In [0, 1].").tag(sync=True)
    measured_on = traitlets.Unicode("", help="cross-validation, or training.").tag(sync=True)
    probe = traitlets.Bytes(b"", help="The probe as a safetensors file.").tag(
        sync=True, from_json=lambda value, _: bytes(value)
    )

    def __init__(
        self,
        images: Sequence,
        checkpoint: str | pathlib.Path | bytes,
        labels: Sequence[str | None] | None = None,
        **traits,
    ) -> None:
        given = list(labels) if labels is not None else [None] * len(images)
        if len(given) != len(images):
            raise ValueError(f"expected {len(images)} labels, one a picture, got {len(given)}")
        super().__init__(images, checkpoint, _tag="kith-probe", labels=given, **traits)

    @traitlets.validate("labels")
    def _one_each(self, proposal: dict) -> list:
        labels = proposal["value"]
        if self._pictures and len(labels) != len(self._pictures):
            expected = f"expected {len(self._pictures)} labels, one a picture"
            raise traitlets.TraitError(f"{expected}, got {len(labels)}")
        return labels
