"""Is it Forward-Forward, or the learning rate? Methods compared at matched accuracy.

How sparse a network is depends on how long and how fast it is trained, so that a difference between
two methods, each at one setting, may be a difference between settings. A sweep over learning rates
and epochs gives each method many settings, and a rule fixed before the sweep says which are
compared: the best setting of the one method, against *every* setting of the other that classifies
as well. All of it is measured on validation images; test images choose nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from fflib import wording
from fflib.records.stores import Record
from fflib.statistics import Interval, paired_interval
from fflib.study.analyses.attribution import network_name
from fflib.study.claims.quantities import above_rest, accuracy
from fflib.study.evidence import claim
from fflib.study.tables import by_run, hoyer_by_layer, rows_of
from fflib.wording import minus

__all__ = [
    "BOUND", "SETTING", "TOLERANCE", "Matched", "at_matched_accuracy", "by_setting", "frontier", "sparsest",
]  # fmt: skip

TOLERANCE = 0.01
"""How far below the best setting of the first method a matched one may lie, in accuracy."""

BOUND = claim("sparse").bound
"""The smallest difference in Hoyer sparseness that counts."""

SETTING = ["learning_rate", "epochs"]


@dataclass(frozen=True)
class Matched:
    """One method against another at matched accuracy, on one data set.

    Parameters
    ----------
    dataset, model, control : str
    learning_rate : float
    epochs : int
        The setting of `model` with the best mean accuracy.
    accuracy : float
        Its mean accuracy.
    differences : dict of (float, int) to Interval
        For each matched setting of the control, `model` minus control in sparseness averaged
        over the layers, paired by seed.
    answer : str
        "survives" if all differences are surely above the bound; "vanishes" if one of them is
        surely below it; else "open". Without a matched setting it is "no match".
    """

    dataset: str
    model: str
    control: str
    learning_rate: float
    epochs: int
    accuracy: float
    differences: dict[tuple[float, int], Interval]

    @property
    def answer(self) -> str:
        """What is left of the difference."""
        if not self.differences:
            return "no match"
        if all(interval.low > BOUND for interval in self.differences.values()):
            return "survives"
        if any(interval.high < BOUND for interval in self.differences.values()):
            return "vanishes"
        return "open"

    @property
    def closest(self) -> tuple[tuple[float, int], Interval]:
        """The matched setting of the control that differs least, and by how much."""
        return min(self.differences.items(), key=lambda item: item[1].mean)

    @property
    def why(self) -> str:
        """The answer in one sentence."""
        model, control = wording.model_name(self.model), wording.model_name(self.control)
        if not self.differences:
            return (
                f"No setting of {control} in the sweep classifies as well as {model} at its best."
            )
        (rate, epochs), interval = self.closest
        where = f"{control} at a learning rate of {rate:g} and {epochs} epochs"
        count = len(self.differences)
        said = {
            "survives": f"{model} at its best is surely sparser by more than {BOUND:g} than {control} "
            f"at each of the {count} settings that classify as well; closest comes {where}, with a "
            f"difference of {interval:.2f}.",
            "vanishes": f"{where} classifies as well as {model} at its best, and {model} minus "
            f"{control} is {interval:.2f} in sparseness: surely less than the {BOUND:g} that counts.",
            "open": f"Of the {count} settings of {control} that classify as well, closest comes "
            f"{where}, with a difference of {interval:.2f}: more runs are needed to tell.",
        }
        return minus(said[self.answer])


def by_setting(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run of a sweep.

    Columns: ``dataset``, ``model``, ``learning_rate``, ``epochs``, ``seed``, ``accuracy``;
    ``hoyer`` and ``above rest``, averaged over the layers; and ``hoyer 1`` and so on.
    """

    def of_run(record: Record) -> Iterable[dict[str, float]]:
        yield {
            "accuracy": accuracy(record),
            "above rest": above_rest(record),
            **hoyer_by_layer(record),
        }

    return rows_of(records, of_run, ["dataset", "model", "seed", *SETTING])


def at_matched_accuracy(
    records: Iterable[Record],
    dataset: str,
    model: str = "ff",
    control: str = "bp",
    measure: Literal["hoyer", "above rest"] = "hoyer",
) -> Matched:
    """Compare the sparseness of two methods at settings that classify equally well.

    `records` are runs of a sweep over learning rates and epochs; `measure` is a column of :func:`by_setting`.

    Raises
    ------
    ValueError
        There is no run of the model on the data set.
    """
    runs = by_setting(records)
    if runs.empty or not (chosen := runs.query("dataset == @dataset and model == @model")).size:
        raise ValueError(f"a comparison needs runs of {model} on {dataset}, got none")
    means = chosen.groupby(SETTING)["accuracy"].mean()
    rate, epochs = means.idxmax()
    own = chosen.query("learning_rate == @rate and epochs == @epochs").set_index("seed")[measure]
    differences = {}
    for setting, theirs in runs.query("dataset == @dataset and model == @control").groupby(SETTING):
        sparseness = theirs.set_index("seed")[measure]
        seeds = own.index.intersection(sparseness.index)
        if theirs["accuracy"].mean() >= means.max() - TOLERANCE and len(seeds):
            differences[setting] = paired_interval(own.loc[seeds], sparseness.loc[seeds])
    return Matched(dataset, model, control, rate, epochs, float(means.max()), differences)


def frontier(records: Iterable[Record]) -> pd.DataFrame:
    """Find the settings of each network that no other of its settings beats in accuracy and sparseness at once.

    The table has a row per data set, ``network`` and setting, with the learning rate, the epochs and ``l1``,
    the penalty on activity; ``accuracy`` and ``sparseness`` are means over runs, and ``best`` says whether the
    setting is on the frontier. Sparseness is what the claim "sparse" judges: Hoyer's above rest, averaged over
    the layers. `records` are runs of a sweep.
    """
    measures = {
        "network": lambda r: network_name(r.experiment), "accuracy": accuracy, "sparseness": above_rest,
    }  # fmt: skip
    runs = by_run(records, ["dataset", "model", *SETTING, "l1"], measures)
    setting = ["dataset", "model", "network", *SETTING, "l1"]
    means = runs.groupby(setting, sort=False)[["accuracy", "sparseness"]].mean().reset_index()
    falling = means.sort_values("accuracy", ascending=False)
    sparsest_yet = falling.groupby(["dataset", "network"])["sparseness"].cummax()
    return means.assign(best=falling["sparseness"] == sparsest_yet)


def sparsest(settings: pd.DataFrame) -> pd.DataFrame:
    """Show the sparsest setting of each network that classifies as well as Forward-Forward at its best.

    As well means no more than :data:`TOLERANCE` below. `settings` is a table of :func:`frontier`; the result
    has a row per data set and network, and none for a network without such a setting.
    """
    ff = settings[settings["model"] == "ff"].groupby("dataset", sort=False)["accuracy"].max()
    matched = settings[settings["accuracy"] >= settings["dataset"].map(ff) - TOLERANCE]
    order = matched.sort_values("sparseness", ascending=False).drop_duplicates(
        ["dataset", "network"]
    )
    return order.sort_values(
        "dataset", key=lambda names: names.map(list(ff.index).index), kind="stable"
    )
