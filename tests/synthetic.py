"""Records of runs that never took place, for tests of what is made from records."""

from datetime import UTC, datetime

import numpy as np

from fflib.experiment import Experiment
from fflib.records import Record
from fflib.run import Circumstances
from fflib.summary import LayerMetrics, Metrics, Provenance

INPUTS, CLASSES, LAYERS, UNITS, BINS, EPOCHS = 36, 4, 3, 20, 8, 2
LINKS = ("same_class", "different_class", "odds_ratio", "p_value")


def record(model, seed=0, dataset="mnist", protocol="relu-l2"):
    """Make up a run: its numbers are random, differ from run to run, and are always the same."""
    rng = np.random.default_rng([len(model), seed, len(dataset), len(protocol)])
    sizes = [INPUTS * UNITS] + [UNITS * UNITS] * (LAYERS - 1)
    return Record(
        experiment=Experiment(
            model=model, seed=seed, dataset=dataset, protocol=protocol,
            hidden=UNITS, layers=LAYERS, epochs=EPOCHS,
        ),
        metrics=Metrics(
            accuracy=rng.random(), layer_accuracy=[], images=10, correct=9,
            layers=[_layer(rng, depth) for depth in range(LAYERS)], unseen=None,
        ),
        curve=_curve(rng, model),
        provenance=Provenance(
            version="0", commit="", python="", torch="", platform="",
            circumstances=Circumstances("cpu", "", 1, "float32", 1.0),
            date=datetime(2024, 1, 1, tzinfo=UTC), data={},
        ),
        arrays={
            "weights": np.array([rng.multinomial(n, [1 / BINS] * BINS) for n in sizes], np.int32),
            "weight_edges": np.sort(rng.uniform(-1, 1, (LAYERS, BINS + 1))).astype(np.float32),
            "mean": np.zeros((LAYERS, CLASSES, UNITS), np.float16),
        },
    )  # fmt: skip


def _layer(rng, depth):
    numbers = {name: rng.random() for name in LayerMetrics.model_fields}
    links = None if depth == 0 else {name: rng.random() for name in LINKS}
    return LayerMetrics(**numbers | {"hoyer_by_class": [0.0] * CLASSES, "links": links})


def _curve(rng, model):
    depths = range(LAYERS) if model == "ff" else [None]
    rows = [(depth, epoch) for depth in depths for epoch in range(1, EPOCHS + 1)]
    return [
        {
            "layer": depth, "epoch": epoch, "seconds": 0.5 + number, "loss": 1.0,
            "positive": rng.random(), "negative": rng.random(), "ordered": 0.5,
            "accuracy": rng.uniform(0.1, 0.9),
        }
        for number, (depth, epoch) in enumerate(rows)
    ]  # fmt: skip


def of(records, **fields):
    """Those records whose experiment has these values."""
    return [r for r in records if all(getattr(r.experiment, k) == v for k, v in fields.items())]
