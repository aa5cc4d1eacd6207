"""What the book says of speed, from a benchmark on file."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fflib import wording
from fflib.data.published import download_folder
from fflib.errors import MissingData

__all__ = [
    "AIMS",
    "RATIOS",
    "aims",
    "beside",
    "exponents",
    "machines",
    "on_file",
    "ratios",
    "to_accuracy",
]

RATIOS = {
    "speedup_same_work": "FF training, the same epochs",
    "speedup_resident": "FF training, baseline without a data loader",
    "speedup_together": "FF training, each of several runs side by side, against that",
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
    "cuda": {"speedup_resident": 20.0, "speedup_together": 50.0},
}
"""What we set out for, by kind of device."""

NOT_MEASURED = "not measured"
"""What stands for a figure that a benchmark on file does not have, since it is older than that."""


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
    {'speedup_resident': 20.0, 'speedup_together': 50.0}
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

    The table has a row per axis, a column per model and for the baseline, and nan where there is but
    one point, as of the baseline with several runs: it trains one at a time. It is empty for a
    benchmark that leaves growth out. `result` comes from :func:`fflib.bench.bench`.
    """
    rows = pd.DataFrame(result["growth"])
    if rows.empty:
        return rows
    rows = rows.assign(model=_version_names(rows))
    slopes = rows.groupby(["axis", "model"], sort=False)[["value", "seconds"]].apply(_slope)
    return slopes.unstack("model").loc[rows["axis"].unique()]


def _slope(points: pd.DataFrame) -> float:
    if len(points) < 2:
        return np.nan
    return float(np.polyfit(np.log(points["value"]), np.log(points["seconds"]), 1)[0])


def _version_names(growth: pd.DataFrame) -> pd.Series:
    names = growth["model"].map(wording.model_name)
    return names.where(growth["version"] == "engine", names + ", baseline")
