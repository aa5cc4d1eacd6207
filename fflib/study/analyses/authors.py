"""What the authors' repository has on record: results of their own runs, and their settings.

The numbers are facts read from the outputs of their published notebooks (commit cb1aa80 of
NiccoloTosato/EmergentRepresentations); nothing of their code is used here.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fflib.data import class_names
from fflib.data.published import download_folder
from fflib.errors import MissingData
from fflib.study.plans.grids import AUTHORS_FULL
from fflib.study.tables import named

__all__ = ["BP_BATCH", "ORIGIN", "results", "settings", "shared_units"]

ORIGIN = (
    "The authors' numbers were read from their notebooks; `data/authors_results.csv` and "
    "`fflib/study/analyses/authors.py` hold them."
)
"""Where their numbers are, for what is drawn from them."""

_DATASETS = {"mnist": "mnist", "fashionmnist": "fashion-mnist"}

BP_BATCH = 2048
"""Images in a batch of their BP: their configuration says 1024, and their code takes these whatever it says."""


def results(datasets: Iterable[str]) -> pd.DataFrame:
    """Return the runs that the authors recorded.

    The table has a row per run: ``dataset`` and ``model`` by our names, ``norm`` (of goodness and
    between layers), ``epochs``, ``batch``, ``lr`` (nan where their notebook does not say; the batch of BP is
    :data:`BP_BATCH`, and not that of the file), test ``accuracy``, Hoyer sparseness ``s1`` to ``s3`` by layer,
    and ``source``: commit, file, cell and row. There is nothing on record for data sets other than mnist and fashion-mnist.

    Raises
    ------
    MissingData
        The package does not run from a checkout, which holds the file.
    """
    path = download_folder() / "authors_results.csv"
    if not path.is_file():
        raise MissingData(f"the authors' results come with a checkout, not found: {path}")
    rows = pd.read_csv(path)
    rows["dataset"] = rows["dataset"].map(_DATASETS)
    rows["model"] = rows["model"].str.replace("_", "-")
    rows.loc[(rows["model"] == "bp") & rows["batch"].notna(), "batch"] = BP_BATCH
    return rows[rows["dataset"].isin(list(datasets))].reset_index(drop=True)


def settings(datasets: Iterable[str]) -> pd.DataFrame:
    """Return the settings of the authors' released configuration, protocol relu-l2.

    The table has a row per data set and model: epochs (per layer for FF), batch size, learning
    rate. The batch size of BP is the one in their code.

    Examples
    --------
    >>> int(settings(["mnist"]).loc[("MNIST", "FF"), "epochs"])
    1200
    """
    wanted = list(datasets)
    rows = [row for row in AUTHORS_FULL if row[0] in wanted]
    columns = ["dataset", "model", "epochs", "batch size", "learning rate"]
    return named(pd.DataFrame(rows, columns=columns)).set_index(["data set", "model"])


# Fashion-MNIST, FF, layer 1, leave-one-out rule with k = 1: units in each class's ensemble, in the
# order of labels, and the only pairs that share any.
_ENSEMBLES = (53, 22, 43, 57, 65, 91, 39, 84, 87, 84)
_SHARED = {
    ("T-shirt", "Shirt"): 3,
    ("Pullover", "Coat"): 3,
    ("Pullover", "Shirt"): 5,
    ("Coat", "Shirt"): 5,
}


def shared_units() -> NDArray[np.int64]:
    """Count the units that ensembles share in the one network whose shared units the authors show.

    That network is of FF on Fashion-MNIST; the ensembles are those of layer 1 by the leave-one-out
    rule with k = 1. The result has a row and a column per class; on the diagonal stand the sizes of
    the ensembles.

    Examples
    --------
    >>> shared_units()[:3, :3].tolist()
    [[53, 0, 0], [0, 22, 0], [0, 0, 43]]
    """
    names = class_names("fashion-mnist")
    shared = np.diag(_ENSEMBLES)
    for (first, second), units in _SHARED.items():
        a, b = names.index(first), names.index(second)
        shared[a, b] = shared[b, a] = units
    return shared
