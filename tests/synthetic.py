"""Records of runs that never took place, for tests of what is made from records."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from fflib.book.explorers.drivers import Drivers
from fflib.errors import MissingRecord
from fflib.experiment import Circumstances, Experiment
from fflib.measures.drivers import NO_IMAGE
from fflib.measures.ensembles import RULES
from fflib.measures.readout import Cut
from fflib.measures.robustness import THRESHOLDS, Choice
from fflib.measures.timeline import SILENT
from fflib.measures.unseen import UnseenChoice, UnseenClass
from fflib.records.schema import LayerMetrics, Metrics, Provenance, Readout, unpack
from fflib.records.stores import Record

INPUTS, CLASSES, LAYERS, UNITS, BINS, EPOCHS = 36, 4, 3, 20, 8, 2
LABELS = ["true", "none", "predicted"]
LINKS = ("same_class", "different_class", "odds_ratio", "p_value")

PROVENANCE = Provenance(
    version="0",
    commit="",
    python="",
    torch="",
    platform="",
    circumstances=Circumstances("cpu", "", 1, "float32", 1.0),
    date=datetime(2024, 1, 1, tzinfo=UTC),
    data={},
)


def record(model, seed=0, dataset="mnist", protocol="relu-l2", hold_out=None):
    """Make up a run: its numbers are random, differ from run to run, and are always the same."""
    held = 0 if hold_out is None else 1 + hold_out
    rng = np.random.default_rng([len(model), seed, len(dataset), len(protocol), held])
    sizes = [INPUTS * UNITS] + [UNITS * UNITS] * (LAYERS - 1)
    carried = [] if hold_out is None else ["plain"] if model == "bp" else LABELS
    return Record(
        experiment=Experiment(
            model=model, seed=seed, dataset=dataset, protocol=protocol, hold_out=hold_out,
            hidden=UNITS, layers=LAYERS, epochs=EPOCHS,
        ),
        metrics=Metrics(
            accuracy=rng.random(), layer_accuracy=[], images=10, correct=9,
            layers=[_layer(rng, depth) for depth in range(LAYERS)],
            unseen={label: [_response(rng, hold_out) for _ in range(LAYERS)] for label in carried}
            or None,
            choices=_choices(np.random.default_rng([seed, held])),
            readout=_readout(np.random.default_rng([seed, len(model)]), model),
            detection=None if hold_out is None else _detection(np.random.default_rng([seed, held])),
        ),
        curve=_curve(rng, model),
        provenance=PROVENANCE,
        arrays={
            "weights": np.array([rng.multinomial(n, [1 / BINS] * BINS) for n in sizes], np.int32),
            "weight_edges": np.sort(rng.uniform(-1, 1, (LAYERS, BINS + 1))).astype(np.float32),
            "mean": _means(rng, hold_out),
            "similarity": np.corrcoef(rng.random((CLASSES, 9))),
            **{
                f"ensembles/{rule}": np.packbits(rng.random((LAYERS, CLASSES, UNITS)) < 0.3, axis=-1)
                for rule in RULES
            },
            "damage/ensembles": np.random.default_rng([seed, 1]).random((LAYERS, CLASSES, CLASSES)),
            **{
                f"unseen/{label}": rng.random((LAYERS, UNITS)).astype(np.float16)
                for label in carried
            },
        },
    )  # fmt: skip


def _layer(rng, depth):
    numbers = {name: rng.random() for name in LayerMetrics.model_fields}
    links = None if depth == 0 else {name: rng.random() for name in LINKS}
    return LayerMetrics(**numbers | {"hoyer_by_class": [0.0] * CLASSES, "links": links})


def _choices(rng):
    return [
        Choice(rule, threshold, images, *(tuple(rng.random(LAYERS)) for _ in range(3)))
        for rule, thresholds in THRESHOLDS.items()
        for threshold in thresholds
        for images in ("correct", "all")
    ]


def _detection(rng):
    return [
        UnseenChoice(rule, threshold, *(tuple(rng.random(LAYERS)) for _ in range(2)))
        for rule, thresholds in THRESHOLDS.items()
        for threshold in thresholds
    ]


def _readout(rng, model):
    carried = ["plain"] if model == "bp" else ["none", "true"]
    return Readout(
        decoded={label: list(rng.random(LAYERS)) for label in carried},
        cut=Cut(tuple(rng.random(LAYERS)), *rng.random(3)),
    )


def _response(rng, held):
    size, stability, chance, sparseness, auroc, *jaccard = rng.random(5 + CLASSES)
    jaccard[held] = np.nan
    return UnseenClass(
        size=round(100 * size), stability=stability, chance_size=5.0, chance_stability=chance,
        size_p=0.01, stability_p=0.01, hoyer=sparseness, silent=0.0, shared=(0,) * CLASSES,
        jaccard=tuple(jaccard), auroc=auroc,
    )  # fmt: skip


def _means(rng, held):
    """Class means, a third of the units silent, nan for the class that was held out."""
    awake = rng.random((LAYERS, 1, UNITS)) > 1 / 3
    means = rng.random((LAYERS, CLASSES, UNITS)) * awake
    if held is not None:
        means[:, held] = np.nan
    return means.astype(np.float16)


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


def attributed(run):
    """The same run, with what its probe would have found of image and label, drive and borrowing."""
    e = run.experiment
    rng = np.random.default_rng([e.seed, len(e.model), len(e.dataset), 1 + (e.hold_out or 0)])
    shares = {
        "image-or-label": ("image", "label", "agreement"),
        "drive": ("negative_contributions",),
    }
    carried = "predicted" if e.labelled else "plain"
    rows = [
        {"about": about, "layer": layer, "blank": int(rng.integers(CLASSES + 1))}
        | {name: rng.random() for name in names}
        for about, names in shares.items()
        for layer in range(1, LAYERS + 1)
    ]
    if e.hold_out is not None:
        names = ("own", "own_by_chance", "auroc", "borrowed_auroc")
        rows = [
            {"about": "unseen", "layer": layer, "carried": carried, "rule": rule}
            | {name: rng.random() for name in names}
            for rule in ("median-quantile", "leave-one-out")
            for layer in range(1, LAYERS + 1)
        ]
    return run.model_copy(update={"metrics": run.metrics.model_copy(update={"probe": rows})})


def of(records, **fields):
    """Those records whose experiment has these values."""
    return [r for r in records if all(getattr(r.experiment, k) == v for k, v in fields.items())]


# Along training

STEPS = [0, 1, 2, 4, 8, 16, 32]
ACCURATE = [0.1, 0.1, 0.4, 0.9, 0.9, 0.9, 0.9]  # settled at step 4
SAME = [0.0, 0.0, 0.1, 0.2, 0.5, 0.9, 1.0]  # settled at step 16


def along(model="ff", seed=0, dataset="mnist"):
    """A run in which accuracy is settled two doublings before membership.

    Units have one class up to step 2 and another from step 4 on, but for every other one, which has
    its class from the start.
    """
    base = record(model, seed, dataset)
    units, layers = UNITS, LAYERS
    last = np.arange(units) % CLASSES
    first = np.where(np.arange(units) % 2, last, (last + 1) % CLASSES)
    last[-1] = SILENT
    stages = range(1, layers + 1) if model == "ff" else [None]
    rows, classes, members = [], [], []
    rng = np.random.default_rng(seed)
    for learns in stages:
        for step, accurate, same in zip(STEPS, ACCURATE, SAME, strict=True):
            rows += [
                {
                    "learns": learns, "step": step, "seen": step, "layer": layer,
                    "accuracy": accurate, "agreement": accurate, "alike": accurate,
                    "alone": accurate if learns in (None, layer) else 0.9,
                    "identity": same if learns in (None, layer) else 1.0,
                    "hoyer": 0.5, "size": 3.0, "selectivity": 0.5, "negative": 0.5 + 0.01 * seed,
                }
                for layer in range(1, layers + 1)
            ]  # fmt: skip
            classes.append([first if step < 4 else last] * layers)
            members.append(rng.random((layers, CLASSES, units)) < 0.3)
    return base.model_copy(
        update={
            "experiment": Experiment(
                model=model, seed=seed, dataset=dataset, hidden=units, layers=layers,
                epochs=base.experiment.epochs, snapshots=len(STEPS),
            ),
            "metrics": base.metrics.model_copy(update={"timeline": rows}),
            "arrays": base.arrays
            | {
                "snapshots/preferred": np.array(classes, dtype=np.uint8),
                "snapshots/ensembles": np.packbits(np.array(members), axis=-1),
            },
        }
    )  # fmt: skip


# Images that drive ensembles

SHAPE = LAYERS, CLASSES, UNITS


def nothing(experiment):
    raise MissingRecord("no images here")


def images_of(experiment):
    """Made-up images, as if shown to the network of the record that is made up for an experiment."""
    rng = np.random.default_rng(len(experiment.model))
    chosen = rng.integers(0, 19, (*SHAPE[:2], 6))
    chosen[0, 1, 2:] = NO_IMAGE
    made = record(experiment.model, experiment.seed, experiment.dataset)
    return Drivers(
        experiment=experiment,
        provenance=PROVENANCE,
        images=rng.integers(0, 256, (19, 28, 28), np.uint8),
        chosen=chosen,
        numbers=np.arange(100, 119),
        ensembles=unpack(made.arrays["ensembles/median-quantile"], UNITS),
    )


def of_another_network(experiment):
    """The same images, as if shown to a network with an ensemble that has one unit more or less."""
    kept = images_of(experiment)
    ensembles = kept.ensembles.copy()
    ensembles[0, 0, 0] ^= True
    return replace(kept, ensembles=ensembles)
