"""Which layer of which network represents images like which: the representations of runs compared.

The runs have the probe "attribution", whose distances :mod:`fflib.measures.similarity` compares. Two rivals
stand beside them: the images' own pixels, and their labels, for which two images of one class are
alike and all others equally unlike.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from fflib.measures.arrays import ratio
from fflib.measures.similarity import distances, rsa
from fflib.records.stores import Record
from fflib.statistics import known_interval
from fflib.study.analyses.attribution import network_name
from fflib.study.tables import intervals, named, rows_of

__all__ = ["LABELS", "PIXELS", "alike", "most_with_labels", "nearest", "to_pixels_and_labels"]

Measure = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

PIXELS, LABELS = "pixels", "labels"


def alike(
    records: Iterable[Record],
    measure: Measure = rsa,
    *,
    seeds: Literal["different", "same"] = "different",
    label: bool = True,
) -> pd.DataFrame:
    """Average the similarity of layers over pairs of runs.

    The table is square and symmetric: a row and a column for each layer of each network, for the pixels and
    for the labels. On its diagonal, a layer is compared with itself in runs of other seeds.

    Parameters
    ----------
    records : iterable of Record
        Runs on one data set.
    measure : callable
        :func:`fflib.measures.similarity.rsa` or :func:`fflib.measures.similarity.cka`.
    seeds : {"different", "same"}
        Which pairs of runs count. Networks of one seed share what it decides, such as the order of the
        images; a layer has no similarity to itself then.
    label : bool
        Whether the images carry their true label; networks that see none are the same either way.

    Raises
    ------
    ValueError
        There are runs of one seed only, where those of different seeds are asked for.
    """
    records = list(records)
    if seeds == "different" and len({r.experiment.seed for r in records}) < 2:
        raise ValueError(
            "pairs of runs of different seeds need two seeds at least, got one: train another"
        )
    layers = [_distances(record, label) for record in records]
    names = [
        f"{network_name(r.experiment)} {depth}"
        for r, own in zip(records, layers, strict=True)
        for depth in range(1, len(own) + 1)
    ]
    seed = np.repeat([r.experiment.seed for r in records], [len(own) for own in layers])
    everything = np.concatenate([*layers, _rivals(records[0])])
    values = measure(everything, everything)
    counted = np.ones(values.shape, dtype=bool)
    runs = slice(len(seed))
    counted[runs, runs] = (seed[:, None] == seed) == (seeds == "same")
    np.fill_diagonal(counted, False)
    counted &= ~np.isnan(values)
    place, kinds = pd.factorize(np.array([*names, PIXELS, LABELS]))
    of_kind = np.eye(len(kinds))[:, place]
    sums = of_kind @ np.where(counted, values, 0) @ of_kind.T
    return pd.DataFrame(ratio(sums, of_kind @ counted @ of_kind.T), index=kinds, columns=kinds)


def nearest(table: pd.DataFrame) -> pd.DataFrame:
    """Show to what each layer is most alike, from a table of :func:`alike`.

    The result has a row per layer: its similarity to ``pixels`` and ``labels``, to ``itself`` in other
    runs, and the layer of another kind that it is ``most like``, with their ``similarity``.
    """
    layers = table.index.drop([PIXELS, LABELS])
    others = table.loc[layers, layers].mask(np.eye(len(layers), dtype=bool))
    known = others.notna().any(axis=1)  # a silent layer is like none
    return table.loc[layers, [PIXELS, LABELS]].assign(
        itself=np.diag(table.loc[layers, layers]),
        **{"most like": others[known].idxmax(axis=1), "similarity": others.max(axis=1)},
    )


def to_pixels_and_labels(
    records: Iterable[Record], measure: Measure = rsa, *, label: bool = True
) -> pd.DataFrame:
    """Compare every layer with the pixels and with the labels, run by run.

    The table has a row per data set, network and layer; intervals of 95 % over runs. Arguments are those of
    :func:`alike`, but for runs on several data sets.
    """

    def rows(record: Record) -> Iterable[dict[str, str | float]]:
        values = measure(_distances(record, label), _rivals(record))
        for depth, (pixels, labels) in enumerate(values, start=1):
            yield {
                "network": network_name(record.experiment),
                "layer": depth,
                PIXELS: pixels,
                LABELS: labels,
            }

    table = named(rows_of(records, rows, ["dataset"]))
    correlation = partial(known_interval, scale="correlation")  # a silent layer is like nothing
    return intervals(table, ["data set", "network", "layer"], correlation)


def most_with_labels(record: Record) -> float:
    r"""Return the largest RSA that a layer can have with the labels.

    Labels know two distances only. If a share p of the pairs are of one class, and no other distances are
    equal, ranks correlate by at most :math:`\sqrt{3 p (1 - p)}`. CKA has no such bound.
    """
    classes = record.arrays["distances/classes"]
    p = float(np.mean(pdist(classes[:, None]) == 0))
    return float(np.sqrt(3 * p * (1 - p)))


def _distances(record: Record, label: bool) -> NDArray[np.floating]:
    asked = "distances" if label else "distances/none"
    return record.arrays.get(asked, record.arrays["distances"])  # a plain network has one kind


def _rivals(record: Record) -> NDArray[np.floating]:
    """Return the distances between the images, and between their labels: (2, pair)."""
    classes = record.arrays["distances/classes"]
    one_hot = np.eye(classes.max() + 1)[classes]
    return np.stack([record.arrays["distances/pixels"], distances(one_hot)])
