"""Our runs against the rows of the authors' record whose settings are known.

The criterion was fixed before the runs were looked at. A row of the authors' record is one run. If
ours are of the same kind, it lies within the prediction interval for one further run, computed from
ours (:func:`fflib.statistics.prediction.prediction_interval`), in each of the four quantities on record with a
confidence of 95 %: the row is then *met* in that quantity. One in twenty comparisons misses although
nothing differs, so that a single miss among them says little, and the number that is expected stands
beside the number that is found.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fflib import wording
from fflib.data import class_names
from fflib.measures import sharing
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.statistics.prediction import prediction_interval
from fflib.study.analyses import authors
from fflib.study.claims.quantities import first_ensembles
from fflib.study.evidence import where
from fflib.study.plans.grids import AUTHORS_ROWS, DATASETS, planned
from fflib.study.tables import by_run, cross_table, intervals, named

__all__ = [
    "CONFIDENCE",
    "QUANTITIES",
    "by_negatives",
    "costs",
    "ensemble_sizes",
    "measured",
    "met_table",
    "rerun_noise",
    "retrained_rows",
    "shared_by_run",
    "shared_pairs",
    "spread",
]

CONFIDENCE = 0.95
"""Chance that a row of the same kind as ours is met in one quantity."""

NAMES = {
    "accuracy": "accuracy",
    **{f"s{depth}": f"sparseness, layer {depth}" for depth in (1, 2, 3)},
}
"""What the authors' record says of a run, test accuracy and Hoyer sparseness by layer, as in tables."""

QUANTITIES = tuple(NAMES)

_NEGATIVES = {"fixed": "the same image", "unpaired": "any image"}
_SETTING = ["dataset", "model", "epochs", "batch", "lr"]


def measured(record: Record) -> dict[str, float]:
    """Return the numbers of one of our runs that the authors recorded of theirs.

    They go by the names in :data:`QUANTITIES`.
    """
    hoyer = [layer.hoyer for layer in record.metrics.layers[: len(QUANTITIES) - 1]]
    return dict(zip(QUANTITIES, [record.metrics.accuracy, *hoyer], strict=True))


def retrained_rows(records: Iterable[Record]) -> pd.DataFrame:
    """Compare with ours the authors' rows whose settings are known in full and were trained again.

    The table has a row for each of the authors' rows and each quantity: the settings, ``source`` of
    their row, ``quantity``, their number ``theirs``, ``ours`` (our numbers), ``predicted`` (the
    interval for one further run of ours) and ``met`` (whether theirs is in it; None where a single
    run of ours, or none, predicts nothing). `records` that are not of the grid "authors" are left
    out.

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
            if predicted is not None and not np.isnan(predicted.low):
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


def met_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Show the comparison of :func:`retrained_rows` as readers see it.

    The table has a row per setting. For each quantity their number, and in brackets where one
    further run of ours should lie; a miss is marked by an asterisk.
    """
    said = []
    for row in rows.itertuples():
        met = "" if row.met is not False else "*"
        range_ = (
            "" if row.met is None else f"{met} [{row.predicted.low:.3f}, {row.predicted.high:.3f}]"
        )
        said.append(f"{row.theirs:.3f}{range_}")
    settings = {name: rows[name].map("{:g}".format) for name in ("epochs", "batch", "lr")}
    table = named(rows.assign(**settings, quantity=rows["quantity"].map(NAMES), said=said))
    names = ["data set", "model", "epochs", "batch", "learning rate"]
    return cross_table(table.rename(columns={"lr": "learning rate"}), "said", names, "quantity")


def by_negatives(records: Iterable[Record]) -> pd.DataFrame:
    """Compare networks whose negatives are of the same images as their positives with the authors' way.

    `records` are runs of Forward-Forward that differ in seed and ``negatives`` alone; those of other settings
    than those of the grid "authors-unpaired" are left out. The table has a row for each way, of whose
    image a negative is, and a column for each quantity, with its 95 % interval over runs.
    """
    unpaired = planned("authors-unpaired")
    wanted = {*unpaired, *(e.model_copy(update={"negatives": "fixed"}) for e in unpaired)}
    runs = [r for r in records if r.experiment in wanted]
    rows = pd.DataFrame(
        [
            {"a negative is of": _NEGATIVES[r.experiment.negatives or ""]}
            | {NAMES[name]: value for name, value in measured(r).items()}
            for r in runs
        ]
    )
    return intervals(rows, ["a negative is of"]) if runs else rows


def spread(records: Iterable[Record]) -> pd.DataFrame:
    """Show where our main runs fall among the authors' rows whose settings are not known.

    The table has a row per data set, model and quantity: ``rows`` of theirs without a learning
    rate, their ``lowest``, ``median`` and ``highest`` number; ``ours``, the mean over our runs;
    ``inside``, the share of our runs within their range; ``below``, the share of their rows that
    lie below our mean. `records` are runs under the protocol relu-l2, which is that of the authors'
    record.
    """
    runs = where(records, protocol="relu-l2")
    unknown = authors.results(DATASETS).query("lr.isna()")
    rows = []
    for (dataset, model), theirs in unknown.groupby(["dataset", "model"], sort=False):
        ours = [measured(record) for record in where(runs, dataset=dataset, model=model)]
        for quantity in QUANTITIES if ours else ():
            numbers = np.array([run[quantity] for run in ours])
            low, high = theirs[quantity].min(), theirs[quantity].max()
            rows.append(
                {
                    "data set": wording.dataset_name(dataset),
                    "model": wording.model_name(model),
                    "quantity": NAMES[quantity],
                    "rows": len(theirs),
                    "lowest": low,
                    "median": theirs[quantity].median(),
                    "highest": high,
                    "ours": numbers.mean(),
                    "inside": float(((numbers >= low) & (numbers <= high)).mean()),
                    "below": float((theirs[quantity] < numbers.mean()).mean()),
                }
            )
    table = pd.DataFrame(rows)
    return table.set_index(["data set", "model", "quantity"]) if rows else table


def costs(records: Iterable[Record]) -> pd.DataFrame:
    """Estimate the cost of the authors' rows with known settings that were not trained again.

    The table has a row per row of theirs, by its ``source`` (file, cell and row): its settings, and
    the ``hours`` that one run would take on the machine of the records, in proportion to its
    epochs; nan where none of the records is of its model and batch size. `records` are of the grid
    "authors"; the cost is estimated from their seconds per epoch.
    """
    known = authors.results(DATASETS).query("lr.notna()")
    done = set(AUTHORS_ROWS)
    rest = known[[tuple(row) not in done for row in known[_SETTING].itertuples(index=False)]]
    grid = set(planned("authors"))
    per_epoch = by_run(
        (record for record in records if record.experiment in grid),
        ["model", "batch_size"],
        {"seconds": lambda r: r.provenance.circumstances.seconds / r.experiment.epochs},
    )
    groups = per_epoch.groupby(["model", "batch_size"])["seconds"]
    seconds = groups.agg(lambda runs: np.mean(runs.to_numpy()))
    hours = rest["epochs"] * rest.join(seconds, on=["model", "batch"])["seconds"] / 3600
    source = rest["source"].str.rpartition("/")[2]
    table = rest[_SETTING].assign(source=source, hours=hours).set_index("source")
    return table.astype({"epochs": int})


def rerun_noise() -> pd.DataFrame:
    """Measure how far two runs lie apart that the authors' notebooks list under one number.

    Two of their notebooks list FF on MNIST by the same row numbers, with slightly different results:
    the same settings, run twice.

    The table has a row per pair and a column per quantity: the difference, its sign left out.

    Examples
    --------
    >>> bool(rerun_noise()["accuracy"].max() < 0.01)
    True
    """
    rows = authors.results(["mnist"]).query("model == 'ff'")
    place = rows["source"].str.extract(
        r"analysis/(?P<notebook>\w+)\.ipynb#cell4\[(?P<row>row\d+)\]"
    )
    listed = rows.assign(notebook=place["notebook"], row=place["row"]).dropna(subset=["row"])
    first, second = (
        listed[listed["notebook"] == name].set_index("row")[list(QUANTITIES)]
        for name in ("create_dataframe", "create_dataframe_mnist")
    )
    return (first - second).abs().dropna()


def shared_by_run(records: Iterable[Record]) -> NDArray[np.int64]:
    """Count the units that ensembles share in our runs, as in the authors' example.

    Returns
    -------
    ndarray of int, shape (run, class, class)
        First layer, leave-one-out rule with k = 1, which needs nothing but the class means that a
        record holds; sizes of the ensembles are on the diagonal.
    """
    return np.stack([sharing.shared_units(first_ensembles(record)) for record in records])


def ensemble_sizes(shared: NDArray[np.int64]) -> pd.DataFrame:
    """Show the sizes of the ensembles in the authors' example and in our runs.

    The table has a row per class: ``theirs``; ``ours``, the mean over runs and its interval;
    ``further run``, where one more run of ours should lie; ``met``, whether theirs does. `shared`
    comes from :func:`shared_by_run`, on Fashion-MNIST, shape (run, class, class).
    """
    rows = {}
    for label, name in enumerate(class_names("fashion-mnist")):
        sizes, theirs = shared[:, label, label], int(authors.shared_units()[label, label])
        predicted = prediction_interval(sizes, CONFIDENCE)
        known = not np.isnan(predicted.low)
        rows[name] = {
            "theirs": theirs,
            "ours": f"{mean_interval(sizes):.0f}",
            "further run": f"{max(predicted.low, 0):.0f} to {predicted.high:.0f}" if known else "",
            "met": ("yes" if predicted.low <= theirs <= predicted.high else "no") if known else "",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")


def shared_pairs(shared: NDArray[np.int64]) -> pd.DataFrame:
    """Show how often pairs of classes share units in our runs and in the authors' example.

    The table has a row per pair that shares units in theirs or in any run of ours, those of theirs
    first and then the most frequent: ``theirs``, their number of shared units; ``ours``, its mean
    over runs and interval; ``runs``, the share of our runs in which the pair shares any. `shared`
    comes from :func:`shared_by_run`, on Fashion-MNIST, shape (run, class, class).
    """
    names, theirs = class_names("fashion-mnist"), authors.shared_units()
    rows = {}
    for first, second in zip(*np.tril_indices(len(names), -1), strict=True):
        counts = shared[:, first, second]
        if counts.any() or theirs[first, second]:
            rows[f"{names[second]}–{names[first]}"] = {
                "theirs": int(theirs[first, second]),
                "ours": f"{mean_interval(counts):.1f}",
                "runs": float((counts > 0).mean()),
            }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["theirs", "ours", "runs"])
    return table.sort_values(["theirs", "runs"], ascending=False, kind="stable").rename_axis("pair")
