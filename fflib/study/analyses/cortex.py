"""Sparseness measured in visual cortex beside that of networks, by one measure (Treves and Rolls)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fflib import wording
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.tables import by_layer

__all__ = ["MEASURED", "Measured", "beside_cortex"]


@dataclass(frozen=True)
class Measured:
    """A published density of activity, the mean over its kind.

    Parameters
    ----------
    area : str
        Where neurons were recorded.
    over : {"neurons", "stimuli"}
        Over neurons for one stimulus, as for our layers, or over stimuli for one neuron.
    density : float
        a, the squared mean rate over the mean squared rate.
    n : int or None
        How many neurons or stimuli; None where we do not know.
    source : str
        The publication; values are those of its abstract.
    """

    area: str
    over: str
    density: float
    n: int | None
    source: str

    @property
    def sparseness(self) -> float:
        """(1 − a) / (1 − 1/n), as in :func:`fflib.measures.sparsity.treves_rolls`; 1 − a without n."""
        return (1 - self.density) / (1 - 1 / (self.n or np.inf))


MEASURED = (
    Measured("macaque inferior temporal cortex", "neurons", 0.77, None, "Franco et al. (2007)"),
    Measured("macaque inferior temporal cortex", "stimuli", 0.77, 20, "Franco et al. (2007)"),
    Measured("macaque temporal visual cortex", "stimuli", 0.65, 68, "Rolls and Tovée (1995)"),
)
"""Published densities; a stimulus is an image of an object, a face or a scene."""


def beside_cortex(records: Iterable[Record]) -> pd.DataFrame:
    """Show the sparseness of every layer above what was measured in cortex.

    The table has a row per model and layer (mean over runs and 95 % interval), then one for each of
    :data:`MEASURED`: the sparseness, what it was measured ``over``, and its ``source``. `records` are runs
    on one data set under one protocol.
    """
    groups = by_layer(records).groupby(["model", "layer"], sort=False)["treves_rolls"]
    ours = [
        (
            f"{wording.model_name(model)}, layer {layer}",
            f"{mean_interval(runs, scale='share'):.2f}",
            "units",
            "",
        )
        for (model, layer), runs in groups
    ]
    theirs = [(m.area, f"{m.sparseness:.2f}", m.over, m.source) for m in MEASURED]
    return pd.DataFrame(
        [*ours, *theirs], columns=["where", "sparseness", "over", "source"]
    ).set_index("where")
