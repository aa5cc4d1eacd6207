"""Which goodness, which activation: tables of the paper's second check."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from fflib import wording
from fflib.experiment import Experiment
from fflib.goodness import MARK
from fflib.records.obtain import attempt
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims import Verdict
from fflib.study.claims.quantities import above_rest, accuracy, negative, overlap
from fflib.study.plans import goodness_choice as plan
from fflib.study.tables import by_run, cross_table, named

__all__ = [
    "MEASURES",
    "answer",
    "by_combination",
    "choices_table",
    "failures_table",
    "goodness_name",
    "train_combinations",
    "train_settings",
]

MEASURES = {
    "accuracy": "accuracy",
    "hoyer": "Hoyer sparseness above rest",
    "overlap": "overlap of two classes",
    "negative": "negative weights",
}
"""What combinations are compared by: columns of :func:`by_combination`, as they are written."""

_NAMES = {
    **{"l1": "ℓ₁", "l2": "ℓ₂", "linf": "ℓ∞", "mean-square": "mean square"},
    **{"relu": "ReLU", "gelu": "GELU"},
}


def goodness_name(name: str) -> str:
    """Write a goodness or an activation as prose does.

    Examples
    --------
    >>> goodness_name("mean-square"), goodness_name("gelu")
    ('mean square', 'GELU')
    """
    return _NAMES.get(name, name.partition(MARK)[0])


def by_combination(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run.

    Columns: ``dataset``, ``goodness``, ``activation``, ``theta``, ``negatives``, ``order``,
    ``seed``; ``accuracy``; as means over the layers ``hoyer`` (sparseness above rest), ``overlap``
    (Jaccard index of two classes' ensembles by the median-quantile rule) and ``negative`` (share of
    negative weights).
    """
    fields = ["dataset", "goodness", "activation", "theta", "negatives", "order", "seed"]
    measures = dict(zip(MEASURES, (accuracy, above_rest, overlap, negative), strict=True))
    return by_run(records, fields, measures)


def choices_table(searched: Iterable[Record]) -> pd.DataFrame:
    """Show what the search found for every combination.

    The table has a row per goodness and activation, a column per data set: the threshold that was
    chosen and the accuracy of its short run; blank where nothing was learned.
    """
    accuracies = {r.experiment: r.metrics.accuracy for r in searched}
    chosen = plan.choose(accuracies)
    by_threshold = {(plan.combination(e), e.theta): a for e, a in accuracies.items()}
    rows = []
    for e in accuracies:
        dataset, goodness, activation = where = plan.combination(e)
        theta = chosen.get(where)
        said = "" if theta is None else f"θ = {theta:g} ({by_threshold[where, theta]:.3f})"
        rows.append((dataset, goodness_name(goodness), goodness_name(activation), said))
    table = named(pd.DataFrame(rows, columns=["dataset", "goodness", "activation", "said"]))
    return cross_table(table, "said", ["goodness", "activation"], "data set")


def failures_table(searched: Iterable[Record], failures: Mapping[Experiment, str]) -> pd.DataFrame:
    """Show why combinations that learn at no threshold do not.

    The table has a row per combination that does not learn, with what training said and at which
    thresholds. `searched` are short runs that came to an end, `failures` the reasons of those that
    did not; experiments of other combinations are left out.
    """
    accuracies = {r.experiment: r.metrics.accuracy for r in searched}
    learned = plan.choose(accuracies)
    said = {e: f"accuracy {a:.2f}, not above {plan.LEARNS:g}" for e, a in accuracies.items()}
    said |= {
        e: error.partition(":")[0]
        for e, error in failures.items()
        if (e.model, e.architecture, e.evaluate_on) == ("ff", "dense", "validation")
    }
    rows = pd.DataFrame(
        [
            (wording.dataset_name(dataset), *map(goodness_name, pair), reason, e.theta)
            for e, reason in said.items()
            for dataset, *pair in [plan.combination(e)]
            if plan.combination(e) not in learned and e.theta is not None
        ],
        columns=["data set", "goodness", "activation", "reason", "theta"],
    )
    names = ["data set", "goodness", "activation"]
    reasons = rows.groupby([*names, "reason"], sort=False)["theta"].agg(_listed).reset_index()
    reasons["what training said"] = reasons["theta"] + ": " + reasons["reason"]
    return reasons.groupby(names)[["what training said"]].agg("; ".join)


def _listed(thetas: Iterable[float]) -> str:
    return "θ = " + ", ".join(f"{theta:g}" for theta in sorted(thetas))


def train_combinations(
    dataset: str,
    goodness: Sequence[str],
    activations: Sequence[str],
    seeds: Iterable[int],
    **training: Any,
) -> tuple[list[Record], list[Record], dict[Experiment, str]]:
    """Search a threshold for every combination and train at it.

    `training` gives fields of all experiments, those of the search included. Return the records of
    runs at the thresholds chosen, those of the search, and why candidates failed whose training
    did.
    """
    tried = plan.candidates([dataset], product(goodness, activations), **training)
    searched, failures = attempt(tried)
    chosen = plan.choose({r.experiment: r.metrics.accuracy for r in searched})
    records, _ = attempt(plan.runs(seeds, chosen, **training))
    return records, searched, failures


def train_settings(dataset: str, seeds: Iterable[int], **training: Any) -> list[Record]:
    """Train at other thresholds, with other negatives, in other order; leave out what fails."""
    return attempt(plan.settings([dataset], seeds, **training))[0]


def answer(records: Iterable[Record], verdicts: Iterable[Verdict]) -> str:
    """Say in a few sentences which goodness and which activation do best.

    `records` are runs at the thresholds chosen, `verdicts` those on
    :data:`fflib.study.claims.criteria.CHOICES`.
    """
    verdicts = list(verdicts)
    moved = [
        f"the choice of {claim} moves sparseness above rest by "
        + " and ".join(
            f"{cell.interval.mean:.2f} on {wording.dataset_name(cell.dataset)}"
            for cell in verdict.cells
        )
        for claim, verdict in zip(("goodness", "activation"), verdicts, strict=False)
        if verdict.cells
    ]
    said = []
    if moved:
        usual = "Among combinations about as accurate as ReLU with ℓ₂"
        said.append(f"{usual}, {', '.join(moved)}.")
    table = by_combination(records)
    for dataset, here in table.groupby("dataset", sort=False):
        means = here.groupby(["goodness", "activation"])[["accuracy", "hoyer"]].mean()
        best, sparsest = means["accuracy"].idxmax(), means["hoyer"].idxmax()
        said.append(
            f"On {wording.dataset_name(str(dataset))} {len(means)} combinations learn; the most "
            f"accurate is {_named(best)} ({_value(here, best, 'accuracy')}), the sparsest above "
            f"rest {_named(sparsest)} ({_value(here, sparsest, 'hoyer')})."
        )
    for verdict in verdicts:
        cells = "; ".join(
            f"{cell.interval:.2f} on {wording.dataset_name(cell.dataset)}, {cell.answer}"
            for cell in verdict.cells
        )
        claim = verdict.claim
        said.append(f"{claim.title}: {verdict.verdict} ({claim.label} {cells or 'unknown'}).")
    return " ".join(said)


def _named(pair: Any) -> str:
    goodness, activation = map(goodness_name, pair)
    return f"{activation} with {goodness}"


def _value(table: pd.DataFrame, pair: Any, measure: str) -> str:
    goodness, activation = pair
    own = table[(table["goodness"] == goodness) & (table["activation"] == activation)]
    return f"{mean_interval(own[measure]):.2f}"
