"""The ensemble explorer: a class's activation profile, ensemble, images and neighbours."""

import base64
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from PIL import Image

from fflib.claims import members
from fflib.errors import MissingRecord
from fflib.experiment import Experiment
from fflib.explorers.drivers import Drivers, find
from fflib.explorers.page import bits, levels, panel
from fflib.explorers.runs import about, one_each
from fflib.measures.sharing import shared_units
from fflib.records import Record

__all__ = ["ensemble_table", "explore_ensembles", "kept_images", "sharing_of"]

ACROSS = 16  # images in a row of a sheet


def explore_ensembles(
    records: Iterable[Record], drivers: Callable[[Experiment], Drivers] = find
) -> HTML:
    """A panel in which a reader chooses data set, model, layer and class.

    It shows the mean activation of every unit for the class, which units are in the ensemble under
    the median–quantile rule, the images that drive it, and the classes that share its units.

    Parameters
    ----------
    records : iterable of Record
        The first of each data set and model is shown.
    drivers : callable
        Gives the images on file for an experiment, or raises :class:`fflib.errors.MissingRecord`,
        which leaves them out.

    Returns
    -------
    HTML
        With a table of the sizes of all ensembles and of what they share. Six runs of three layers
        of 784 units come to about 700 kB, images included.
    """
    runs = one_each(records)
    data = {"runs": [_run(record, kept_images(record, drivers)) for record in runs]}
    return panel(
        "ensembles",
        "all",
        data,
        label="Ensemble explorer",
        table=ensemble_table(runs),
        caption="As a table: units in each ensemble, and the class that shares most of them",
    )


def _run(record: Record, kept: tuple[Drivers, str] | None) -> dict[str, Any]:
    means, tops = levels(record.arrays["mean"])
    run = about(record) | {"members": bits(members(record)), "means": means, "tops": tops}
    if kept is not None:
        drivers, said = kept
        run["images"] = {
            "sheet": _sheet(drivers.images),
            "across": ACROSS,
            "size": [drivers.images.shape[-1], drivers.images.shape[-2]],
            "chosen": drivers.chosen.tolist(),
            "numbers": drivers.numbers.tolist(),
            "said": said,
        }
    return run


def kept_images(
    record: Record, drivers: Callable[[Experiment], Drivers] = find
) -> tuple[Drivers, str] | None:
    """The images on file for a run, and one sentence on where they come from.

    Parameters
    ----------
    record : Record
    drivers : callable
        As in :func:`explore_ensembles`.

    Returns
    -------
    (Drivers, str) or None
        None where there are no images.
    """
    try:
        kept = drivers(record.experiment)
    except MissingRecord:
        return None
    same = kept.agreement(record)
    found = (
        "whose ensembles are those on record, bit for bit"
        if same == 1
        else f"whose ensembles overlap with those on record by {same:.3f} (Jaccard index)"
    )
    return kept, (
        "The test images that excite the members most on average, the strongest first; shown to a "
        f"network trained again with the settings on record, {found}."
    )


def _sheet(images: np.ndarray) -> str:
    """Images side by side in one file without loss, as an address that holds the file itself."""
    tiles = images if images.ndim == 3 else np.moveaxis(images, 1, -1)
    rows = -(-len(tiles) // ACROSS)
    height, width = tiles.shape[1:3]
    whole = np.zeros((rows * height, ACROSS * width, *tiles.shape[3:]), np.uint8)
    for place, tile in enumerate(tiles):
        y, x = divmod(place, ACROSS)
        whole[y * height : (y + 1) * height, x * width : (x + 1) * width] = tile
    file = BytesIO()
    Image.fromarray(whole).save(file, "WEBP", lossless=True, quality=100, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def sharing_of(ensembles: np.ndarray, label: int) -> list[tuple[int, int, float]]:
    """Classes whose ensembles share units with that of a class.

    Parameters
    ----------
    ensembles : ndarray of bool, shape (class, unit)
    label : int

    Returns
    -------
    list of (int, int, float)
        Class, number of shared units and Jaccard index; the largest number first, and of equal
        numbers the first class.

    Examples
    --------
    >>> ensembles = np.array([[1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=bool)
    >>> [(other, shared, round(index, 2)) for other, shared, index in sharing_of(ensembles, 0)]
    [(2, 2, 0.67), (1, 1, 0.25)]
    """
    shared = shared_units(ensembles)
    found = [
        (other, int(n), float(n / (shared[label, label] + shared[other, other] - n)))
        for other, n in enumerate(shared[label])
        if n and other != label
    ]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))


def ensemble_table(records: Iterable[Record]) -> pd.DataFrame:
    """Sizes of ensembles and the class that shares most units with each.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    DataFrame
        A row per data set, model and class, a column per layer, with entries such as
        "53 units, 5 with Shirt".
    """
    table = {}
    for record in records:
        said = about(record)
        for label, name in enumerate(said["classes"]):
            row = table.setdefault((said["dataset"], said["model"], name), {})
            for depth, layer in enumerate(members(record), start=1):
                size, others = int(layer[label].sum()), sharing_of(layer, label)
                most = f", {others[0][1]} with {said['classes'][others[0][0]]}" if others else ""
                row[f"layer {depth}"] = f"{size} unit{'' if size == 1 else 's'}{most}"
    frame = pd.DataFrame.from_dict(table, orient="index")
    return frame.rename_axis(["data set", "model", "class"])
