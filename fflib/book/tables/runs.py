"""Tables of runs: what each was, what it was made by, and numbers averaged over many."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from fflib import wording
from fflib.measures.readout import own_and_others
from fflib.measures.sharing import jaccard
from fflib.records.stores import Record
from fflib.statistics import holm, mantel, permutations_needed
from fflib.study.claims import members
from fflib.study.tables import intervals, named, rows_of

__all__ = ["by_label", "checksums", "machines", "mantel_tests", "provenance", "readout", "shown"]


def mantel_tests(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate Mantel tests of whether overlap follows visual similarity, run by run and layer by layer.

    The table has a row per run and a
    column per layer: the correlation and, in brackets, its one-sided p-value corrected by Holm for
    the number of tests in the table; "all equal" where there is none.
    """
    records = list(records)
    permutations = permutations_needed(sum(r.experiment.layers for r in records))
    tests = [
        [
            mantel(np.nan_to_num(layer), r.arrays["similarity"], permutations=permutations)
            for layer in jaccard(members(r))
        ]
        for r in records
    ]
    corrected = iter(holm([test.p_value for run in tests for test in run]))
    rows = [[_test(test.correlation, next(corrected)) for test in run] for run in tests]
    names = [(*list(_cell(r).values())[:2], r.experiment.seed) for r in records]
    index = pd.MultiIndex.from_tuples(names, names=["data set", "protocol", "seed"])
    return pd.DataFrame(rows, index, wording.layer_names(records[0].experiment.layers))


def _cell(record: Record) -> dict[str, str]:
    """Return data set, protocol and model, as they are written."""
    e = record.experiment
    return {
        "data set": wording.dataset_name(e.dataset),
        "protocol": wording.protocol_name(e.protocol),
        "model": wording.model_name(e.model),
    }


def _test(correlation: float, p_value: float) -> str:
    return "all equal" if np.isnan(correlation) else f"{correlation:.2f} ({p_value:.2g})"


def by_label(records: Iterable[Record], quantity: str) -> pd.DataFrame:
    """Tabulate a number of unseen classes by model, label carried and layer, averaged over runs.

    The quantity is a number in :class:`fflib.measures.unseen.UnseenClass`. The table has a row per
    model and label, and a column per layer.
    """
    rows = pd.DataFrame(
        {
            "model": wording.model_name(record.experiment.model),
            "label carried": wording.label_name(carried),
            "layer": f"layer {depth}",
            quantity: getattr(layer, quantity),
        }
        for record in records
        for carried, layers in (record.metrics.unseen or {}).items()
        for depth, layer in enumerate(layers, start=1)
    )
    table = rows.pivot_table(quantity, ["model", "label carried"], "layer", sort=False)
    return table.round(3)


def provenance(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate which runs are behind the numbers, and how each was made.

    The table has a row per record, by the key that its file is named after.
    """
    rows = {}
    for record in records:
        e, made = record.experiment, record.provenance
        where = made.circumstances
        rows[e.key] = {
            **_cell(record),
            "seed": e.seed,
            "held out": "" if e.hold_out is None else str(e.hold_out),
            "precision": where.precision,
            "minutes": round(where.seconds / 60, 1),
            "processor": where.processor,
            "threads": where.threads,
            "torch": made.torch,
            "fflib": f"{made.version} ({made.commit or 'no commit'})",
            "date": f"{made.date:%Y-%m-%d}",
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("record")
    return table.sort_values(list(table.columns[:5])) if rows else table


def machines(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate, by processor, how many runs it made and how many hours it trained."""
    made = [record.provenance.circumstances for record in records]
    rows = pd.DataFrame(
        [(c.device, c.processor, 1, c.seconds / 3600) for c in made],
        columns=["device", "processor", "runs", "hours"],
    )
    return rows.groupby(["device", "processor"]).sum().round(2)


def checksums(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate the MD5 checksums of the data on which the runs were trained.

    The table has a row per data set, file and checksum; more than one checksum for a file would
    mean that runs were trained on different data.
    """
    found = {
        (wording.dataset_name(record.experiment.dataset), file, md5)
        for record in records
        for file, md5 in record.provenance.data.items()
    }
    rows = pd.DataFrame(sorted(found), columns=["data set", "file", "MD5"])
    return rows.set_index(["data set", "file"])


def readout(records: Iterable[Record]) -> pd.DataFrame:
    """Tabulate what can be read off ensembles and what they cost, as means with intervals.

    Runs without a readout on record are left out. The table has a row per data set, protocol and
    model, with t intervals over the runs: accuracy of reading the class off the first layer's
    ensembles on images without a label; accuracy that a class loses when its own first-layer
    ensemble is silenced, or another class's; share of units in no ensemble; accuracy intact,
    without these units, and without equally many at random.

    Examples
    --------
    >>> readout([]).empty
    True
    """

    def of_run(record: Record) -> Iterator[dict[str, float]]:
        if found := record.metrics.readout:
            own, others = own_and_others(record.arrays["damage/ensembles"])
            yield {
                "read off": found.unlabelled[0],
                "own loss": own[0],
                "others' loss": others[0],
                "in no ensemble": float(np.mean(found.cut.outside)),
                "intact": found.cut.intact,
                "without them": found.cut.without,
                "random cut": found.cut.random,
            }

    rows = rows_of(records, of_run, ["dataset", "protocol", "model"])
    return rows if rows.empty else intervals(named(rows), ["data set", "protocol", "model"])


def shown(intervals: pd.DataFrame, spec: str = ".3f") -> pd.DataFrame:
    """Format a table of intervals for readers, with the number of runs in the last column.

    The intervals of a row are over the same runs.

    Examples
    --------
    >>> from fflib.statistics import mean_interval
    >>> one = mean_interval([0.95, 0.96, 0.97])
    >>> shown(pd.DataFrame({"accuracy": [one]})).to_dict("records")
    [{'accuracy': '0.960 [0.935, 0.985]', 'runs': 3}]
    """
    runs = intervals.iloc[:, 0].map(lambda interval: interval.n)
    return intervals.map(lambda interval: format(interval, spec)).assign(runs=runs)
