"""The winner-takes-all protocol: what its search tried, and whether its runs reach what is asked of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import Any

import pandas as pd

from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.plans.search import best, configuration
from fflib.study.plans.winner_takes_all import ASKED, CENTRE
from fflib.study.tables import named, rows_of

__all__ = ["reached_table", "rivals_table", "search_table", "tried"]

_WORDS = {
    "label_gain": "label gain",
    "theta": "θ",
    "learning_rate": "learning rate",
    "batch_size": "batch",
    "epochs": "epochs",
    "negatives": "negatives",
}


def tried(records: Iterable[Record]) -> pd.DataFrame:
    """Return what every run of a search reached on validation images: a row per layer, and one for all.

    Columns: ``dataset``; ``changed``, what differs from the setting that the search starts from, in the order
    of the records; ``seed``; ``layer``, counted from 1, or 0 for the network; and ``accuracy``.
    """

    def of_run(record: Record) -> list[dict[str, Any]]:
        reached = [record.metrics.accuracy, *record.metrics.layer_accuracy]
        changed = _changed(record.experiment)
        return [
            {"changed": changed, "layer": layer, "accuracy": accuracy}
            for layer, accuracy in enumerate(reached)
        ]

    table = rows_of(records, of_run, ("dataset", "seed"))
    if len(table):
        table["changed"] = pd.Categorical(table["changed"], table["changed"].unique(), ordered=True)
    return table


def _changed(experiment: Experiment) -> str:
    centre = Experiment(model="ff", dataset=experiment.dataset, **CENTRE)
    changed = [n for n in _WORDS if getattr(experiment, n) != getattr(centre, n)]
    return ", ".join(_said(experiment, changed)) or "nothing"


def _said(experiment: Experiment, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value, word = getattr(experiment, name), _WORDS[name]
        yield f"{value} {word}" if isinstance(value, str) else f"{word} {value:g}"


def search_table(records: Iterable[Record]) -> pd.DataFrame:
    """Say what a search came to on validation images, as means over the seeds of a setting.

    The table has a row per data set: its ``runs``; the ``most accurate`` network and the ``best weakest layer``,
    each with the setting that it was found under; and, of the setting whose seeds differ most, their ``range``.
    """
    table = tried(records)
    rows = []
    for dataset, here in table.groupby("dataset", sort=False) if len(table) else ():
        accuracy = here.pivot_table("accuracy", ["changed", "seed"], "layer", observed=True)
        by_setting = accuracy.min(axis=1).groupby("changed", observed=True)
        complete = by_setting.count() == here["seed"].nunique()
        network = accuracy[0].groupby("changed", observed=True)
        apart = (network.max() - network.min()).idxmax()
        runs = accuracy[0].loc[apart]
        rows.append(
            {
                "dataset": dataset,
                "runs": len(accuracy),
                "most accurate": _highest(network.mean()[complete]),
                "best weakest layer": _highest(by_setting.mean()[complete]),
                "range": f"{runs.min():.3f} to {runs.max():.3f} ({apart})",
            }
        )
    return named(pd.DataFrame(rows)).set_index("data set") if rows else pd.DataFrame()


def _highest(of: "pd.Series[float]") -> str:
    return f"{of.max():.3f} ({of.idxmax()})"


def rivals_table(records: Iterable[Record]) -> pd.DataFrame:
    """Say which settings of the rivals are the most accurate on validation images, averaged over seeds.

    A setting counts if the training of no seed failed. The table has a row per data set and model: the
    ``settings`` tried, the ``best`` of them, in the fields that differ, and its ``accuracy``.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.experiment.dataset, record.experiment.model), []).append(record)
    rows = []
    for (dataset, model), runs in groups.items():
        seeds = Counter(configuration(r.experiment) for r in runs)
        complete = [r for r in runs if seeds[configuration(r.experiment)] == max(seeds.values())]
        chosen = configuration(best(complete).experiment)
        varied = [n for n in _WORDS if len({getattr(r.experiment, n) for r in runs}) > 1]
        reached = [r.metrics.accuracy for r in runs if configuration(r.experiment) == chosen]
        said = ", ".join(_said(chosen, varied))
        row = {"dataset": dataset, "model": model, "settings": len(seeds), "best": said}
        rows.append({**row, "accuracy": fmean(reached)})
    return named(pd.DataFrame(rows)).set_index(["data set", "model"]) if rows else pd.DataFrame()


def reached_table(records: Iterable[Record], failed: Iterable[Experiment] = ()) -> pd.DataFrame:
    """Compare the accuracy of trained networks with what the plan asks of them.

    `records` are of Forward-Forward; untrained networks are left out. `failed` are runs whose training ended
    without a network. The table has a row per data set: its ``runs``, those that ``failed`` among them; test
    ``accuracy`` of the network and of each layer by itself, means with 95 % intervals over the runs that have
    one; what is ``asked``; and whether it is ``met``: by the means of the network and of the weakest layer,
    where no run failed.
    """
    without = [e.dataset for e in failed]
    trained = [r for r in records if r.experiment.epochs]
    rows = []
    for dataset in dict.fromkeys([*ASKED, *(r.experiment.dataset for r in trained)]):
        runs = [r.metrics for r in trained if r.experiment.dataset == dataset]
        if not runs:
            continue
        layers = pd.DataFrame([m.layer_accuracy for m in runs])
        network = mean_interval([m.accuracy for m in runs], scale="share")
        lost = without.count(dataset)
        row = {"dataset": dataset, "runs": len(runs) + lost, "failed": lost}
        row["accuracy"] = f"{network:.3f}"
        for n in layers:
            row[f"layer {n + 1}"] = f"{mean_interval(layers[n], scale='share'):.3f}"
        if dataset in ASKED:
            asked, weakest = ASKED[dataset]
            row["asked"] = f"{asked:g}" + (f", each layer {weakest:g}" if weakest else "")
            met = network.mean >= asked and layers.mean().min() >= weakest and not lost
            row["met"] = "yes" if met else "no"
        rows.append(row)
    return named(pd.DataFrame(rows)).set_index("data set") if rows else pd.DataFrame()
