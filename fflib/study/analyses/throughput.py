"""What the book says of speed: a benchmark on file, and runs that differ in number format only."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fflib import wording
from fflib.data.published import download_folder
from fflib.errors import MissingData
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.statistics import paired_interval
from fflib.study.claims.quantities import accuracy, hoyer, negative
from fflib.study.tables import by_run

__all__ = [
    "AIMS",
    "MEASURES",
    "RATIOS",
    "aims",
    "beside",
    "by_format",
    "exponents",
    "machines",
    "on_file",
    "precision",
    "precision_table",
    "ratios",
    "to_accuracy",
]

RATIOS = {
    "speedup_same_work": "FF training, the same epochs",
    "speedup_resident": "FF training, baseline without a data loader",
    "speedup_to_accuracy": "FF training, to the same accuracy",
    "speedup_predict": "FF prediction",
    "speedup_bp_ff": "BP/FF training, the same epochs",
    "speedup_bp": "BP training, the same epochs",
    "ceiling_fraction": "FF training, share of the product rate",
}
"""What each ratio of a benchmark is."""

AIMS: dict[str, dict[str, float]] = {
    "cpu": {
        "speedup_same_work": 4.5,
        "speedup_to_accuracy": 10.0,
        "speedup_predict": 3.5,
        "speedup_bp_ff": 3.5,
        "speedup_bp": 2.5,
        "ceiling_fraction": 0.7,
    },
    "cuda": {"speedup_resident": 20.0},
}
"""What we set out for, by kind of device."""

NOT_MEASURED = "not measured"
"""What stands for a figure that a benchmark on file does not have, since it is older than that."""

MEASURES = {
    "accuracy": "test accuracy",
    "hoyer": "Hoyer sparseness, mean of layers",
    "negative": "share of negative weights, mean of layers",
}
"""What a number format might move."""


def on_file(name: str = "xeon-2-cores") -> dict[str, Any]:
    """Read a result of ``fflib bench --json`` that is kept in ``benchmarks/``.

    `name` is the file's, without ending; the result is as from :func:`fflib.bench.bench`.

    Raises
    ------
    MissingData
        There is none, as where the package does not run from a checkout.
    """
    path = download_folder().parent / "benchmarks" / f"{name}.json"
    if not path.is_file():
        raise MissingData(f"benchmarks come with a checkout, not found: {path}")
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    result["machine"].setdefault("device", "cpu")  # older ones do not say, and measured no other
    return result


def machines() -> dict[str, dict[str, Any]]:
    """Read every result that is kept in ``benchmarks/``, by the name of its file."""
    files = sorted((download_folder().parent / "benchmarks").glob("*.json"))
    return {path.stem: on_file(path.stem) for path in files}


def aims(result: dict[str, Any]) -> dict[str, float]:
    """Return what we set out for on a device of the kind that a benchmark measured.

    Examples
    --------
    >>> aims({"machine": {"device": "cuda:0"}})
    {'speedup_resident': 20.0}
    """
    kind, _, _ = result["machine"]["device"].partition(":")
    return AIMS.get(kind, {})


def ratios(result: dict[str, Any]) -> pd.DataFrame:
    """Show the ratios of a benchmark, in both number formats, beside what we set out for.

    The table has a row per ratio: the median over repeats, with the range where there are several.
    `result` comes from :func:`fflib.bench.bench`.
    """
    wanted = aims(result)
    rows = {
        title: {
            "float32": _range(result["float32"].get(name)),
            "bfloat16 products": _range(result["mixed"].get(name)),
            "aim": f"{wanted[name]:g}" if name in wanted else "none",
        }
        for name, title in RATIOS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("times faster")


def beside(results: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Show benchmarks of several machines side by side, each in the number format it trains in.

    The table has a column per machine and a row per ratio, with the aim in brackets where there is
    one, and after them what a step of FF takes, a prediction of all test images, and the
    measurements of a run. `results` come from :func:`fflib.bench.bench`.
    """
    columns = {}
    for result in results:
        machine, own, wanted = result["machine"], result["precision"], aims(result)
        cores = f", threads: {machine['threads']}" if machine["device"] == "cpu" else ""
        aim = {name: f" (aim {wanted[name]:g})" if name in wanted else "" for name in RATIOS}
        column = {
            title: _median(result[own].get(name), "{:.2f}" + aim[name])
            for name, title in RATIOS.items()
        }
        seconds = result["seconds"]
        column["a step of FF, µs"] = _median(result.get("step", {}).get(own), "{:.0f}")
        predicted = _median(seconds.get(f"predict, {own}"), "{:.3f}")
        column["prediction of all test images, s"] = predicted
        column["measuring a run, s"] = _median(seconds.get(f"measure, {own}"), "{:.1f}")
        columns[f"{machine['processor']}{cores}"] = column
    return pd.DataFrame(columns).rename_axis("times faster")


def _range(spread: dict[str, float] | None) -> str:
    if spread is None:
        return NOT_MEASURED
    median = f"{spread['median']:.2f}"
    if spread["min"] == spread["max"]:
        return median
    return f"{median} ({spread['min']:.2f} to {spread['max']:.2f})"


def _median(spread: dict[str, float] | None, form: str) -> str:
    return NOT_MEASURED if spread is None else form.format(spread["median"])


def to_accuracy(result: dict[str, Any]) -> pd.DataFrame:
    """Show what it takes to reach the accuracy that a benchmark asks for.

    The columns are seconds, epochs per layer and the accuracy reached, the rows the baseline and
    fflib. `result` comes from :func:`fflib.bench.bench`.
    """
    kinds = {
        "plain": ("baseline", "plain"),
        "float32": ("fflib, float32", "engine"),
        "mixed": ("fflib, bfloat16 products", "engine"),
    }
    rows = {
        title: {
            "seconds": f"{result['seconds'][f'to accuracy, {kind}']['median']:.0f}",
            "epochs per layer": result["epochs_to_accuracy"][version],
            "test accuracy": f"{result['accuracy'][f'to accuracy, {kind}']:.4f}",
        }
        for kind, (title, version) in kinds.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def exponents(result: dict[str, Any]) -> pd.DataFrame:
    """Fit how steeply the time of an epoch grows: b in seconds ∝ valueᵇ, by least squares of logs.

    The table has a row per axis, a column per model and for the baseline. `result` comes from
    :func:`fflib.bench.bench`.
    """
    rows = pd.DataFrame(result["growth"]).assign(model=lambda found: _version_names(found))
    slopes = rows.groupby(["axis", "model"], sort=False)[["value", "seconds"]].apply(
        lambda points: np.polyfit(np.log(points["value"]), np.log(points["seconds"]), 1)[0]
    )
    return slopes.unstack("model").loc[rows["axis"].unique()]


def _version_names(growth: pd.DataFrame) -> pd.Series:
    names = growth["model"].map(wording.model_name)
    return names.where(growth["version"] == "engine", names + ", baseline")


def precision(records: Iterable[Record]) -> pd.DataFrame:
    """Return what runs measured that differ in number format only.

    The table has a row per run: ``model``, ``seed``, ``precision``, and the keys of
    :data:`MEASURES`. `records` are runs with ``precision`` "float32" and "mixed".
    """
    measures = {"accuracy": accuracy, "hoyer": hoyer, "negative": negative}
    rows = by_run(records, ["model", "seed", "precision"], measures)
    return rows.sort_values("seed", ignore_index=True)


def by_format(runs: pd.DataFrame, model: str, measure: str) -> pd.DataFrame:
    """Return one measure of one model, a row per seed and a column per number format.

    `runs` come from :func:`precision`; `measure` is a key of :data:`MEASURES`.
    """
    own = runs[runs["model"] == model]
    return own.pivot(index="seed", columns="precision", values=measure)


def precision_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show whether mixed precision moves a result by more than another seed does.

    The table has a row per measure and model: the mean in float32; the standard deviation of its
    seeds; the mean over seeds of mixed minus float32 with its 95 % interval; and that mean in
    standard deviations. `records` are as in :func:`precision`.
    """
    runs = precision(records)
    table = {}
    for measure, title in MEASURES.items():
        for model in MODELS:
            own = by_format(runs, model, measure)
            moved = paired_interval(own["mixed"], own["float32"])
            spread = own["float32"].std()
            table[title, wording.model_name(model)] = {
                "float32": f"{own['float32'].mean():.4f}",
                "spread of seeds": f"{spread:.4f}",
                "mixed minus float32": f"{moved:+.4f}",
                "in spreads": f"{moved.mean / spread:+.2f}",
            }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(["measure", "model"])
