"""Whether unseen classes form ensembles of their own or borrow those of seen classes.

The runs have a held-out class and the probe "attribution". The unit is the held-out class, over whose
runs numbers are averaged first: seeds of one class are no independent answers to what becomes of classes.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from fflib.records.stores import Record
from fflib.statistics import Interval, known_interval
from fflib.study.analyses.attribution import network_name
from fflib.study.tables import intervals, named, rows_of
from fflib.wording import minus

__all__ = [
    "BARE",
    "NUMBERS",
    "PREFERRED",
    "ahead",
    "borrowing_table",
    "by_class",
    "in_words",
]

NUMBERS = {
    "own": "own share",
    "own_by_chance": "by chance",
    "auroc": "AUROC, own ensemble",
    "borrowed_auroc": "borrowed ensemble",
    "linear_auroc": "linear probe",
}
"""What is compared, as tables call it."""

PREFERRED, BARE = ("predicted", "plain"), ("none", "plain")
"""Labels that images may carry, as :func:`by_class` takes them: the preferred one, or none."""


def by_class(records: Iterable[Record], carried: Sequence[str] = PREFERRED) -> pd.DataFrame:
    """Return one row per held-out class, rule and layer, averaged over the runs of that class.

    Columns: ``dataset``, ``network`` (see :func:`fflib.study.analyses.attribution.network_name`),
    ``hold_out``, ``rule``, ``layer``, and the :data:`NUMBERS`, of images that carry the label which the
    network prefers, or of those that carry no label if `carried` is :data:`BARE`. Of networks that see no label
    they are the same.
    """

    def of_unseen(record: Record) -> Iterable[dict[str, Any]]:
        network = network_name(record.experiment)
        for row in record.metrics.probe or ():
            if row.get("about") == "unseen" and row["layer"] and row["carried"] in carried:
                yield {"network": network} | row

    rows = rows_of(records, of_unseen, ["dataset", "hold_out"])
    place = ["dataset", "network", "hold_out", "rule", "layer"]
    numbers = rows[list(NUMBERS)].astype(float)  # what is not defined is None in a record
    return pd.concat([rows[place], numbers], axis=1).groupby(place, sort=False).mean().reset_index()


def borrowing_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show the :data:`NUMBERS` as means over held-out classes, with 95 % intervals.

    The table has a row per data set, rule, network and layer. Classes without an ensemble have no share and
    are left out of it.
    """
    rows = by_class(records).sort_values("rule", ascending=False, kind="stable")
    rows = named(rows).drop(columns="hold_out")
    share = partial(known_interval, scale="share")
    table = intervals(rows, ["data set", "rule", "network", "layer"], share)
    classes = table["auroc"].map(lambda one: one.n)
    shown = table.map(lambda one: f"{one:.3f}" if one.n else "")
    return shown.rename(columns=NUMBERS).assign(classes=classes)


def ahead(rows: pd.DataFrame) -> Interval:
    """Return by how much own ensembles tell unseen images better than borrowed ones: AUROC, over classes.

    `rows` are those of :func:`by_class`, of one network, rule and data set. The difference is averaged
    over layers; a class for which there was nothing to borrow is left out.
    """
    return known_interval((rows["auroc"] - rows["borrowed_auroc"]).groupby(rows["hold_out"]).mean())


def in_words(rows: pd.DataFrame) -> str:
    """Say in two sentences whether unseen classes have ensembles of their own, with the numbers that it rests on.

    They have if their own ensembles tell them apart better than borrowed ones do, and more of the units are
    in no other ensemble than chance gives; they borrow if neither is so. `rows` are as in :func:`ahead`.
    """
    better = ahead(rows).low > 0
    own, by_chance = rows["own"].mean(), rows["own_by_chance"].mean()
    if better:
        said = (
            "form ensembles of their own"
            if own > by_chance
            else "combine units of seen classes, and do better with them than with one class's"
        )
    elif own > by_chance:
        said = "have units of their own, and do no better with them"
    else:
        said = "borrow the ensembles of seen classes"
    return minus(
        f"In {rows['network'].iloc[0]}, unseen classes {said}: the AUROC by their ensembles, less that by "
        f"the best seen class's, is {ahead(rows):z.2f}. Of their units, {own:.0%} are in no other ensemble, "
        f"where chance gives {by_chance:.0%}."
    )
