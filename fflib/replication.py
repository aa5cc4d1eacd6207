"""Our runs against the rows of the authors' record whose settings are known.

The criterion was fixed before the runs were looked at. A row of the authors' record is one run. If
ours are of the same kind, it lies within the prediction interval for one further run, computed from
ours (:func:`fflib.prediction.prediction_interval`), in each of the four quantities on record with a
confidence of 95 %: the row is then *met* in that quantity. One in twenty comparisons misses although
nothing differs, so that a single miss among them says little, and the number that is expected stands
beside the number that is found.
"""

from collections.abc import Iterable

import pandas as pd

from fflib import authors
from fflib.grids import AUTHORS_ROWS, DATASETS, planned
from fflib.prediction import prediction_interval
from fflib.records import Record

__all__ = ["CONFIDENCE", "QUANTITIES", "measured", "retrained_rows"]

CONFIDENCE = 0.95
"""Chance that a row of the same kind as ours is met in one quantity."""

QUANTITIES = ("accuracy", "s1", "s2", "s3")
"""What the authors' record says of a run: test accuracy, and Hoyer sparseness by layer."""

_SETTING = ["dataset", "model", "epochs", "batch", "lr"]


def measured(record: Record) -> dict[str, float]:
    """The numbers of one of our runs that the authors' record has of theirs.

    Returns
    -------
    dict of str to float
        By the names in :data:`QUANTITIES`.
    """
    hoyer = [layer.hoyer for layer in record.metrics.layers[: len(QUANTITIES) - 1]]
    return dict(zip(QUANTITIES, [record.metrics.accuracy, *hoyer], strict=True))


def retrained_rows(records: Iterable[Record]) -> pd.DataFrame:
    """The authors' rows whose settings are known in full and were trained again, against ours.

    Parameters
    ----------
    records : iterable of Record
        Those that are not of the grid "authors" are passed over.

    Returns
    -------
    DataFrame
        A row for each of the authors' rows and each quantity: the settings, ``source`` of their
        row, ``quantity``, their number ``theirs``, ``ours`` (our numbers), ``predicted`` (the
        interval for one further run of ours) and ``met`` (whether theirs is in it; None where a
        single run of ours, or none, predicts nothing).

    Examples
    --------
    >>> len(retrained_rows([])) == len(AUTHORS_ROWS) * len(QUANTITIES)
    True
    """
    grid = set(planned("authors"))
    runs = [r for r in records if r.experiment in grid]
    table = authors.results(DATASETS)
    rows = []
    for setting in AUTHORS_ROWS:
        known = dict(zip(_SETTING, setting, strict=True))
        ours = [
            measured(r)
            for r in runs
            for e in [r.experiment]
            if (e.dataset, e.model, e.epochs, e.batch_size, e.learning_rate) == setting
        ]
        of_theirs = table[(table[_SETTING] == pd.Series(known)).all(axis=1)]
        for (_, theirs), quantity in ((t, q) for t in of_theirs.iterrows() for q in QUANTITIES):
            numbers = [run[quantity] for run in ours]
            predicted = prediction_interval(numbers, CONFIDENCE) if numbers else None
            met = None
            if predicted is not None and predicted.n > 1:
                met = bool(predicted.low <= theirs[quantity] <= predicted.high)
            rows.append(
                {
                    **known,
                    "source": theirs["source"],
                    "quantity": quantity,
                    "theirs": theirs[quantity],
                    "ours": numbers,
                    "predicted": predicted,
                    "met": met,
                }
            )
    return pd.DataFrame(rows)
