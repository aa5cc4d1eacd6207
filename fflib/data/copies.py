"""Keep small copies of large images, so that workers and later commands need not read them again."""

import hashlib
import json
import os
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tqdm.auto import tqdm

from fflib.data import images
from fflib.data.images import LARGEST, Picture, read_picture
from fflib.data.published import own_folder

__all__ = ["read_pictures"]


def read_pictures(
    folder: Path, paths: Sequence[Path], state: Hashable, side: int | None
) -> list[Picture]:
    """Read the images of a folder, or the copies of them that were kept when any was large.

    Copies lie in ``copies`` beside the reader's own records. They are found by the names of files,
    their `state` and `side`, and are of no use to another version of the reader.
    """
    code = Path(images.__file__).read_bytes()
    known = repr((PIL.__version__, code, [str(path) for path in paths], state, side))
    place = own_folder() / "copies" / hashlib.sha256(known.encode(errors="replace")).hexdigest()
    with suppress(OSError, SafetensorError):
        return _kept(place)
    title = f"reading {folder.name}"
    shown = tqdm(paths, desc=title, unit="image", delay=2, leave=False)
    pictures = [read_picture(path, side) for path in shown]
    if any(max(picture.size) > LARGEST for picture in pictures):
        with suppress(OSError):  # such as a full disk: then they are read again
            _keep(place, pictures)
    return pictures


def _kept(place: Path) -> list[Picture]:
    with safe_open(place, framework="numpy") as file:
        found = json.loads(file.metadata()["pictures"])
        return [
            Picture(Image.fromarray(file.get_tensor(str(i))), tuple(size), digest, tuple(remarks))
            for i, (size, digest, remarks) in enumerate(found)
        ]


def _keep(place: Path, pictures: Sequence[Picture]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    arrays = {str(i): np.asarray(picture.image) for i, picture in enumerate(pictures)}
    said = json.dumps([[picture.size, picture.digest, picture.remarks] for picture in pictures])
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    save_file(arrays, partial, {"pictures": said})
    partial.replace(place)
