"""The page on speed: its figures and tables show the benchmark and the runs that they are given."""

import json

import numpy as np
import pandas as pd
import pytest
from synthetic import of, record

from fflib.book.figures import speed
from fflib.errors import MissingData
from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.study.analyses import throughput
from fflib.study.analyses.rounding import MEASURES, precision_table
from fflib.study.analyses.throughput import RATIOS

POWERS = {"hidden": 2.0, "layers": 1.0, "images": 0.5, "runs": 0.9}
SHIFT = {"float32": 0.0, "mixed": 0.01}


def spread(middle):
    return {"median": middle, "min": middle - 0.1, "max": middle + 0.1}


RESULT = {
    "machine": {"device": "cpu", "processor": "Abacus", "threads": 2},
    "precision": "mixed",
    "step": {"float32": spread(3000.0), "mixed": spread(2000.0)},
    "float32": {name: spread(1.0 + i) for i, name in enumerate(RATIOS)},
    "mixed": {
        name: {"median": 2.0 + i, "min": 2.0 + i, "max": 2.0 + i} for i, name in enumerate(RATIOS)
    },
    "seconds": {f"to accuracy, {kind}": spread(10.0) for kind in ("plain", "float32", "mixed")}
    | {"predict, mixed": spread(0.5), "measure, mixed": spread(17.0)},
    "accuracy": {f"to accuracy, {kind}": 0.95 for kind in ("plain", "float32", "mixed")},
    "epochs_to_accuracy": {"plain": 30, "engine": 2},
    "growth": [
        {"axis": axis, "value": v, "model": m, "version": version, "seconds": 3.0 * v**power}
        for axis, power in POWERS.items()
        for v in (1, 2, 4)
        for m, version in [*((m, "engine") for m in MODELS), ("ff", "plain")]
        if not (axis == "runs" and version == "plain" and v > 1)  # it trains one at a time
    ],
}


def run(model, seed, kind):
    """A run whose accuracy is a hundredth higher in mixed precision."""
    made_up = record(model, seed)
    fields = made_up.experiment.model_dump() | {"precision": kind}
    accuracy = made_up.metrics.accuracy + SHIFT[kind]
    metrics = made_up.metrics.model_copy(update={"accuracy": accuracy})
    return made_up.model_copy(update={"experiment": Experiment(**fields), "metrics": metrics})


RUNS = [run(model, seed, kind) for model in MODELS for seed in (2, 0, 1) for kind in SHIFT]

FIGURES = {
    "speedups": lambda: speed.speedups(RESULT),
    "growth": lambda: speed.growth(RESULT),
    "formats": lambda: speed.number_formats(RUNS),
}


pytestmark = pytest.mark.usefixtures("book_style")


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_is_labelled_within_the_figure(name):
    figure = FIGURES[name]()
    figure.canvas.draw()
    assert all(ax.get_xlabel() for ax in figure.axes)
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) > -0.01


def test_speedups_are_drawn_with_their_range_and_aim():
    (ax,) = speed.speedups(RESULT).axes
    names = [name for name in RATIOS if name.startswith("speedup")]
    drawn = {line.get_label(): line.get_xdata() for line in ax.lines}
    assert list(drawn["float32"]) == [RESULT["float32"][name]["median"] for name in names]
    wanted = [throughput.AIMS["cpu"].get(name, np.nan) for name in names]
    np.testing.assert_array_equal(drawn["what we set out for"], wanted)
    ranges = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert [RESULT["float32"][names[0]][end] for end in ("min", "max")] in ranges


def test_growth_has_a_line_for_every_model_and_the_baseline():
    for ax, (_, power) in zip(speed.growth(RESULT).axes, POWERS.items(), strict=True):
        assert len(ax.lines) == len(MODELS) + 1
        for line in ax.lines:
            np.testing.assert_allclose(line.get_ydata(), 3.0 * line.get_xdata() ** power)


def test_the_exponent_of_a_power_is_found():
    found = throughput.exponents(RESULT)
    assert list(found.columns) == ["FF", "BP/FF", "BP", "FF, baseline"]
    for axis, power in POWERS.items():
        baseline = np.nan if axis == "runs" else power
        expected = [power] * 3 + [baseline]
        np.testing.assert_allclose(found.loc[axis].tolist(), expected)


def test_what_a_quick_benchmark_leaves_out_is_left_out():
    quick = RESULT | {"growth": []}
    assert throughput.exponents(quick).empty
    assert speed.growth(quick).axes == []


def test_number_formats_are_compared_seed_by_seed():
    axes = speed.number_formats(RUNS).axes
    for ax, measure in zip(axes, MEASURES, strict=True):
        moved = [line.get_xdata() for line in ax.lines if line.get_marker() == "D"]
        expected = 1000 * SHIFT["mixed"] if measure == "accuracy" else 0
        np.testing.assert_allclose(np.ravel(moved), expected, atol=1e-9)


def test_the_table_puts_the_difference_beside_the_spread_of_seeds():
    table = precision_table(RUNS)
    row = table.loc[("test accuracy", "FF")]
    alone = [r.metrics.accuracy for r in of(RUNS, model="ff", precision="float32")]
    assert row["float32"] == f"{np.mean(alone):.4f}"
    assert row["mixed minus float32"].startswith("+0.0100 [")
    assert row["in spreads"] == f"{0.01 / np.std(alone, ddof=1):+.2f}"
    assert (table["mixed minus float32"].drop("test accuracy", level=0).str[1:7] == "0.0000").all()


def test_ratios_measured_once_have_no_range():
    table = throughput.ratios(RESULT)
    assert table.iloc[0].tolist() == ["1.00 (0.90 to 1.10)", "2.00", "4.5"]


def test_machines_stand_side_by_side_each_with_the_aims_of_its_kind():
    card = RESULT | {
        "machine": {"device": "cuda", "processor": "Card", "threads": 8},
        "precision": "float32",
        "seconds": {"predict, float32": spread(0.01), "measure, float32": spread(1.0)},
    }
    older = {name: RESULT[name] for name in RESULT if name != "step"}
    assert throughput.beside([older]).loc["a step of FF, µs"].item() == "not measured"
    table = throughput.beside([RESULT, card])
    assert list(table.columns) == ["Abacus, threads: 2", "Card"]
    assert table.iloc[0].tolist() == ["2.00 (aim 4.5)", "1.00"]
    assert table.loc["a step of FF, µs"].tolist() == ["2000", "3000"]
    assert table.loc["measuring a run, s"].tolist() == ["17.0", "1.0"]


def test_the_benchmark_on_file_has_all_that_the_page_shows():
    result = throughput.on_file()
    # A CPU trains no runs side by side; what else is missing is measured since.
    since = {"speedup_together"} | (set() if "step" in result else {"speedup_resident"})
    assert set(RATIOS) - since <= result.keys()
    assert (throughput.ratios(result)["float32"] == throughput.NOT_MEASURED).sum() == len(since)
    assert len(throughput.to_accuracy(result)) == 3
    assert pd.DataFrame(result["growth"])["seconds"].gt(0).all()


def test_a_benchmark_that_is_not_on_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(throughput, "download_folder", lambda: tmp_path / "data")
    with pytest.raises(MissingData, match=r"not found: .*abacus\.json"):
        throughput.on_file("abacus")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "abacus.json").write_text(json.dumps(RESULT))
    assert throughput.on_file("abacus")["growth"] == RESULT["growth"]
    assert list(throughput.machines()) == ["abacus"]
