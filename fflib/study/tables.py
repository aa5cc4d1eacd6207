"""Tables that several chapters make of records: a row per run, and a row per group of runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import pandas as pd

from fflib import wording
from fflib.experiment import Experiment
from fflib.measures.polarity import PERMUTATIONS
from fflib.records.stores import Record
from fflib.statistics import Interval, holm, mean_interval
from fflib.study.claims import Verdict, hoyer
from fflib.study.claims.verdicts import Rival

__all__ = [
    "against",
    "by_choice",
    "by_layer",
    "by_probe",
    "by_run",
    "cross_table",
    "hoyer_by_layer",
    "intervals",
    "links_table",
    "named",
    "rows_of",
    "settings",
    "verdict_table",
]

CELL_AND_RUN = ("dataset", "protocol", "model", "seed")
"""Fields of an experiment that distinguish runs of the main grid."""


def rows_of(
    records: Iterable[Record],
    rows: Callable[[Record], Iterable[Mapping[str, Any]]],
    fields: Sequence[str] = CELL_AND_RUN,
) -> pd.DataFrame:
    """Return several rows per run, each with the fields that say which run it is.

    `rows` maps a record to its rows; `fields` are fields of :class:`fflib.Experiment` and become
    the first columns.

    Examples
    --------
    >>> rows_of([], lambda record: record.metrics.probe or ()).empty
    True
    """
    return pd.DataFrame(
        {**r.experiment.model_dump(include={*fields}), **row} for r in records for row in rows(r)
    )


def by_run(
    records: Iterable[Record],
    fields: Sequence[str],
    measures: Mapping[str, Callable[[Record], Any]],
) -> pd.DataFrame:
    """Return one row per run: fields of its experiment, then what is computed from its record.

    `fields` are of :class:`fflib.Experiment`, None where the kind of network has no such field;
    `measures` maps a column's name to what computes its value from a record.

    Examples
    --------
    >>> by_run([], ["seed"], {"accuracy": lambda record: record.metrics.accuracy}).columns.tolist()
    ['seed', 'accuracy']
    """
    rows = [
        {field: getattr(r.experiment, field, None) for field in fields}
        | {name: measure(r) for name, measure in measures.items()}
        for r in records
    ]
    return pd.DataFrame(rows, columns=[*fields, *measures])


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Write data sets, protocols and models by the names that readers know.

    `rows` has columns ``dataset``, ``protocol`` and ``model``, or some of them; the first of these
    three is called "data set" in the result.

    Examples
    --------
    >>> named(pd.DataFrame({"dataset": ["mnist"], "model": ["ff"]})).to_dict("records")
    [{'data set': 'MNIST', 'model': 'FF'}]
    """
    names = {
        "dataset": wording.dataset_name,
        "protocol": wording.protocol_name,
        "model": wording.model_name,
    }
    known = {column: rows[column].map(name) for column, name in names.items() if column in rows}
    return rows.assign(**known).rename(columns={"dataset": "data set"})


def intervals(
    rows: pd.DataFrame, by: Sequence[str], interval: Callable[[pd.Series], Interval] = mean_interval
) -> pd.DataFrame:
    """Average the runs of every group.

    `rows` has a row per run: columns `by` name its group, and all others hold numbers, of which
    `interval` makes an interval, by default that of 95 % confidence. The result has a row per
    group, in the order in which the groups first occur.

    Examples
    --------
    >>> runs = pd.DataFrame({"model": ["ff", "ff", "ff", "bp"], "accuracy": [0.95, 0.96, 0.97, 0.98]})
    >>> intervals(runs, ["model"]).map("{:.2f}".format)["accuracy"].to_dict()
    {'ff': '0.96 [0.94, 0.98]', 'bp': '0.98'}
    """
    return rows.groupby(list(by), sort=False).agg(interval)


def cross_table(rows: pd.DataFrame, value: str, by: Sequence[str], across: str) -> pd.DataFrame:
    """Cross-tabulate what is said of each combination.

    Column `value` fills the cells, columns `by` name a row of the result, and the values of
    `across` become columns, all in the order in which they first occur. Of rows about the same
    combination the last one counts; a cell is nan where nothing is said.
    """
    table = rows.pivot_table(value, list(by), across, aggfunc="last", sort=False)
    in_order = table.reindex(rows.set_index(list(by)).index.unique(), columns=rows[across].unique())
    return in_order.rename_axis(columns=None)


def hoyer_by_layer(record: Record) -> dict[str, float]:
    """Return Hoyer sparseness as columns: its mean over the layers, then "hoyer 1" and so on."""
    layers = {f"hoyer {depth}": m.hoyer for depth, m in enumerate(record.metrics.layers, start=1)}
    return {"hoyer": hoyer(record), **layers}


def by_layer(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and hidden layer.

    Columns: ``dataset``, ``protocol``, ``model``, ``seed``, ``layer`` (counted from 1), then the
    fields of :class:`fflib.records.schema.LayerMetrics`; what is known of ``links`` has columns of
    its own, ``links.odds_ratio`` and so on.
    """
    return rows_of(
        records,
        lambda record: (
            {
                "layer": depth,
                **metrics.model_dump(exclude={"links"}),
                **{f"links.{name}": value for name, value in (metrics.links or {}).items()},
            }
            for depth, metrics in enumerate(record.metrics.layers, start=1)
        ),
    )


def by_choice(
    records: Iterable[Record],
    among: Literal["choices", "detection"] = "choices",
    fields: Sequence[str] = CELL_AND_RUN,
) -> pd.DataFrame:
    """Return one row per run, hidden layer, rule and threshold.

    Columns: the fields, ``run`` (the record's key), ``layer`` (counted from 1), then the fields of
    :class:`fflib.measures.robustness.Choice` or of :class:`fflib.measures.unseen.UnseenChoice`.
    Runs without such numbers have no rows. `among` names the field of
    :class:`fflib.records.schema.Metrics` to take: ensembles of the seen classes, or how well those
    of a held-out class detect it.
    """

    def rows(record: Record) -> Iterable[dict[str, Any]]:
        for choice in getattr(record.metrics, among) or ():
            numbers = asdict(choice)
            tuples = {name: value for name, value in numbers.items() if isinstance(value, tuple)}
            for depth in range(record.experiment.layers):
                in_layer = {name: values[depth] for name, values in tuples.items()}
                yield {"run": record.experiment.key, "layer": depth + 1} | numbers | in_layer

    return rows_of(records, rows, fields)


def by_probe(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and line of what its probe found.

    Columns: ``dataset``, ``protocol``, ``model``, ``seed``, then the columns of the probe, see
    :mod:`fflib.records.probes`. Runs without a probe have no rows.
    """
    return rows_of(records, lambda record: record.metrics.probe or ())


def against(
    rows: pd.DataFrame, column: str, reference: str, numbers: Sequence[str]
) -> pd.DataFrame:
    """Subtract from the `numbers` of every row those of the row to compare it with.

    That one has `reference` in `column`, and is equal in all other columns that are no numbers.

    Examples
    --------
    >>> rows = pd.DataFrame({"seed": [0, 0], "removed": ["none", "all"], "accuracy": [0.75, 0.5]})
    >>> against(rows, "removed", "none", ["accuracy"])["accuracy"].tolist()
    [0.0, -0.25]
    """
    same = [name for name in rows if name not in (column, *numbers)]
    base = rows[rows[column] == reference].set_index(same)
    of_rows = pd.MultiIndex.from_frame(rows[same])
    return rows.assign(
        **{name: rows[name] - base[name].reindex(of_rows).to_numpy() for name in numbers}
    )


def links_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show whether positive weights link same-class ensembles of successive layers.

    The table has a row per data set, protocol, model and pair of layers. Share of positive weights
    between units with and without a common class and their odds ratio, as means over runs; ``p``,
    the largest of the runs' p-values, corrected by Holm for all tests behind the table; and the
    ``least p`` that they could come to, by the permutations made. Those are recorded with a run: more
    of them where it has the probe "attribution" (:func:`fflib.records.links.linked`), else
    :data:`fflib.measures.polarity.PERMUTATIONS`.
    """

    def links(record: Record) -> Iterable[dict[str, Any]]:
        finer = {r["layer"]: r for r in record.metrics.probe or () if r.get("about") == "links"}
        for layer, metrics in enumerate(record.metrics.layers, start=1):
            if metrics.links is not None:
                found = {"permutations": PERMUTATIONS, **metrics.links} | finer.get(layer, {})
                yield found | {"layers": f"{layer - 1} to {layer}"}

    rows = named(rows_of(records, links))
    tests = rows["p_value"].count()
    rows["p"] = holm(rows["p_value"])
    rows["least p"] = (tests / (rows["permutations"] + 1)).clip(upper=1)
    groups = rows.groupby(["data set", "protocol", "model", "layers"], sort=False)
    means = {
        "common class": "same_class",
        "different classes": "different_class",
        "odds ratio": "odds_ratio",
    }
    worst = {"p": ("p", "max"), "least p": ("least p", "max")}
    return groups.agg(**{name: (column, "mean") for name, column in means.items()}, **worst)


SETTINGS = ("epochs", "batch_size", "learning_rate", "schedule", "theta", "label_gain")
"""The settings that a chapter shows."""


def settings(experiments: Iterable[Experiment], fields: Sequence[str] = SETTINGS) -> pd.DataFrame:
    """Show the settings of experiments and where each came from.

    The table has a row per data set, protocol and field; a column per model, with entries such as
    "0.01 (validation search)". A field that has no meaning for a model is left blank.
    """
    rows = [
        {
            **{name: getattr(e, name) for name in ("dataset", "protocol", "model")},
            "setting": field.replace("_", " "),
            "said": "" if (value := getattr(e, field)) is None else f"{value} ({e.origin(field)})",
        }
        for e in experiments
        for field in fields
    ]
    return cross_table(
        named(pd.DataFrame(rows)), "said", ["data set", "protocol", "setting"], "model"
    )


def verdict_table(verdict: Verdict) -> pd.DataFrame:
    """Show what a claim comes to in each cell, and its rivals there.

    The table has a row per data set and protocol, and per layer if the claim is about layers: the
    mean over runs with its interval, the number of runs or classes, and whether the claim holds;
    then, for each rival, its own value, marked by ✓ where it passes the bound itself, and the share
    of classes that the label alone recalls.
    """
    rows = [
        {
            **{"dataset": cell.dataset, "protocol": cell.protocol, "layer": cell.layer},
            "mean and interval": f"{cell.interval:.3f}",
            "n": cell.interval.n,
            "claim": cell.answer,
            **{wording.rival_name(rival.name): _passed(rival) for rival in cell.rivals},
            "label alone": f"{cell.label_alone.share:.2f}" if cell.label_alone else None,
        }
        for cell in verdict.cells
    ]
    index, columns = ["data set", "protocol", "layer"], ["mean and interval", "n", "claim"]
    table = named(
        pd.DataFrame(rows, columns=None if rows else ["dataset", "protocol", "layer", *columns])
    )
    return table.set_index(index if table["layer"].notna().any() else index[:2]).dropna(
        axis=1, how="all"
    )


def _passed(rival: Rival) -> str | None:
    if not rival.interval.n:
        return None
    return f"{rival.interval:.3f}{' ✓' if rival.passes == 'yes' else ''}"
