"""The ensemble explorer: a class's activation profile, ensemble, images and neighbours."""

import base64
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image

from fflib.book.explorers.drivers import Drivers, find
from fflib.book.explorers.page import bits, levels, panel
from fflib.book.explorers.runs import about, one_each
from fflib.book.figures.portraits import portraits
from fflib.errors import MissingRecord
from fflib.experiment import Experiment
from fflib.measures.sharing import shared_units
from fflib.records.stores import Record
from fflib.study.claims import members

__all__ = ["ensemble_portraits", "ensemble_table", "explore_ensembles", "sharing_of"]

ACROSS = 16  # images in a row of a sheet

OnFile = Callable[[Experiment], Drivers]


def explore_ensembles(records: Iterable[Record], on_file: OnFile = find) -> HTML:
    """Build a panel in which a reader chooses data set, model, layer and class.

    It shows the mean activation of every unit for the class, which units are in the ensemble under
    the median–quantile rule, the images that drive it, and the classes that share its units. A
    table holds the sizes of all ensembles and what they share. The first record of each data set
    and model is shown. Six runs of three layers of 784 units come to about 700 kB, images included.

    `on_file` gives the images on file for an experiment. Where it raises
    :class:`fflib.errors.MissingRecord`, or the images were shown to another training of the experiment, the
    record is shown without images.
    """
    runs = one_each(records)
    return panel(
        "ensembles",
        "all",
        {"runs": [_run(record, _kept(record, on_file)) for record in runs]},
        label="Ensemble explorer",
        table=ensemble_table(runs),
        caption="As a table: units in each ensemble, and the class that shares most of them",
    )


def ensemble_portraits(
    record: Record, classes: list[str] | tuple[str, ...], layer: int = 1, on_file: OnFile = find
) -> Figure:
    """Draw what the explorer shows of all classes in one layer, counted from 1.

    See :func:`fflib.book.figures.portraits.portraits`; `on_file` is as in
    :func:`explore_ensembles`.
    """
    kept, depth = _kept(record, on_file), layer - 1
    images = None if kept is None else kept.of_layer(depth)
    return portraits(record.arrays["mean"][depth], members(record)[depth], classes, images)


def _kept(record: Record, on_file: OnFile) -> Drivers | None:
    try:
        kept = on_file(record.experiment)
    except MissingRecord:
        return None
    return kept if kept.belong_to(record) else None


def _run(record: Record, kept: Drivers | None) -> dict[str, Any]:
    means, tops = levels(record.arrays["mean"])
    run = about(record) | {"members": bits(members(record)), "means": means, "tops": tops}
    return run if kept is None else run | {"images": _images(kept)}


def _images(kept: Drivers) -> dict[str, Any]:
    return {
        "sheet": _sheet(kept.images),
        "across": ACROSS,
        "size": [kept.images.shape[-1], kept.images.shape[-2]],
        "chosen": kept.chosen.tolist(),
        "numbers": kept.numbers.tolist(),
    }


def _sheet(images: np.ndarray) -> str:
    """Put images side by side in one file without loss; return it as a data URL."""
    tiles = images if images.ndim == 3 else np.moveaxis(images, 1, -1)
    rows = -(-len(tiles) // ACROSS)
    height, width = tiles.shape[1:3]
    whole = np.zeros((rows * height, ACROSS * width, *tiles.shape[3:]), np.uint8)
    for place, tile in enumerate(tiles):
        y, x = divmod(place, ACROSS)
        whole[y * height : (y + 1) * height, x * width : (x + 1) * width] = tile
    file = BytesIO()
    Image.fromarray(whole).save(file, "WEBP", lossless=True, quality=75, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def sharing_of(ensembles: np.ndarray, label: int) -> list[tuple[int, int, float]]:
    """Return the classes whose ensembles share units with that of a class.

    The ensembles have shape (class, unit). Each entry is a class, the number of shared units and
    the Jaccard index; the largest number first, and of equal numbers the first class.

    Examples
    --------
    >>> ensembles = np.array([[1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=bool)
    >>> [(other, shared, round(index, 2)) for other, shared, index in sharing_of(ensembles, 0)]
    [(2, 2, 0.67), (1, 1, 0.25)]
    """
    shared = shared_units(ensembles)
    sizes = shared.diagonal()
    found = [
        (other, int(n), float(n / (sizes[label] + sizes[other] - n)))
        for other, n in enumerate(shared[label])
        if n and other != label
    ]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))


def ensemble_table(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate the sizes of ensembles and the class that shares most units with each.

    The table has a row per data set, model and class, and a column per layer, with entries such as
    "53 units, 5 with Shirt".
    """
    table: dict[tuple[str, str, str], dict[str, str]] = {}
    for record in records:
        said, layers = about(record), members(record)
        for label, name in enumerate(said["classes"]):
            row = table.setdefault((said["dataset"], said["model"], name), {})
            for depth, layer in enumerate(layers, start=1):
                size, others = int(layer[label].sum()), sharing_of(layer, label)
                most = f", {others[0][1]} with {said['classes'][others[0][0]]}" if others else ""
                row[f"layer {depth}"] = f"{size} unit{'' if size == 1 else 's'}{most}"
    frame = pd.DataFrame.from_dict(table, orient="index")
    return frame.rename_axis(["data set", "model", "class"])
