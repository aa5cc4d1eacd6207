"""From a run to the numbers that its record keeps."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version

import numpy as np
import torch
from torch import Tensor

from fflib.measures import ensembles, polarity, readout, sharing, sparsity, unseen
from fflib.measures.arrays import median
from fflib.measures.ensembles import Activations
from fflib.measures.robustness import THRESHOLDS, USUAL, Choice, by_threshold, members_by_threshold
from fflib.measures.unseen import UnseenChoice
from fflib.networks.dense import NO_LABEL
from fflib.records.borrowing import conditions
from fflib.records.halves import found_on_half, some
from fflib.records.probes import PROBES
from fflib.records.schema import LayerMetrics, Metrics, Provenance, Readout
from fflib.records.timeline import timeline
from fflib.training.run import Run

__all__ = ["provenance", "summarise"]

Array = np.ndarray
RULES = tuple(ensembles.RULES)
WEIGHT_BINS = 80
DAMAGED = 1000  # images that are predicted again for every ensemble that is silenced


def summarise(run: Run, rules: Sequence[str] = RULES) -> tuple[Metrics, dict[str, Array]]:
    """Measure a run, its ensembles by some rules, and return its metrics and arrays.

    The Kolmogorov–Smirnov rule takes most of the time; it is left out for runs with a held-out
    class and for those with snapshots whatever is asked.

    The arrays are ``mean``: class mean activations, (layer, class, unit). ``ensembles/RULE``:
    membership packed to bits, see :func:`fflib.records.schema.unpack`. ``similarity``: correlation
    of class mean images, (class, class). ``weights`` and ``weight_edges``: histogram of the weights
    by layer. ``unseen/CARRIED``: mean activations on the held-out class, (layer, unit).
    ``damage/ensembles`` and ``damage/random``: see :func:`fflib.measures.readout.damage`.
    ``snapshots/ensembles`` and ``snapshots/preferred``: see :func:`fflib.records.timeline.timeline`.
    Those of a probe: see :mod:`fflib.records.probes`.
    """
    split, seed = run.experiment.evaluate_on, run.experiment.seed
    classes = len(run.data.classes)
    everything = run.activations(split, correct_only=False).to(run.network.device)
    right = run.correct(split)
    correct = everything if right.all() else some(everything, right)
    if run.experiment.hold_out is not None or run.snapshots:
        rules = [rule for rule in rules if rule != "kolmogorov-smirnov"]
    ranges = {
        rule: members_by_threshold(rule, correct, THRESHOLDS[rule], classes=classes)
        for rule in rules
    }
    members = {rule: m[THRESHOLDS[rule].index(USUAL[rule])] for rule, m in ranges.items()}
    weights, connections = run.network.weights, run.network.connections
    links: list[dict[str, float] | None] = [None]
    for depth in range(1, len(connections)):
        lower, upper = members["median-quantile"][depth - 1 : depth + 1]
        links.append(asdict(polarity.same_class_links(connections[depth], lower, upper, seed=seed)))

    layers = [
        LayerMetrics(
            hoyer=sparsity.mean_hoyer(h),
            hoyer_all=sparsity.mean_hoyer(h_all),
            hoyer_above_rest=sparsity.mean_hoyer(h, resting=median(h)),
            hoyer_by_class=[sparsity.mean_hoyer(h[correct.labels == c]) for c in range(classes)],
            treves_rolls=_mean_of_known(sparsity.treves_rolls(h).cpu().numpy()),
            active_fraction=sparsity.active_fraction(h),
            silent_fraction=sparsity.silent_fraction(h),
            negative_weights=polarity.negative_fraction(w),
            excitation=polarity.balance(w),
            links=link,
        )
        for h, h_all, w, link in zip(correct.values, everything.values, weights, links, strict=True)
    ]
    pixels, labels = run.images(split)
    similarity = sharing.visual_similarity(pixels, labels, classes)
    counts, edges = zip(*(np.histogram(w, bins=WEIGHT_BINS) for w in weights), strict=True)
    arrays: dict[str, Array] = {
        "mean": ensembles.class_means(correct, classes=classes).astype(np.float16),
        "similarity": similarity.astype(np.float32),
        "weights": np.array(counts, dtype=np.int32),
        "weight_edges": np.array(edges, dtype=np.float32),
    }
    arrays |= {f"ensembles/{rule}": np.packbits(m, axis=-1) for rule, m in members.items()}
    held_out = detection = None
    if run.experiment.hold_out is not None:
        held_out, detection, profiles = _held_out(run)
        arrays |= profiles
    value = None
    if run.experiment.hold_out is None and split != "validation":
        value, damage = _readout(run, everything)
        arrays |= damage
    rows = probed = None
    if run.snapshots:
        rows, moments = timeline(run)
        arrays |= moments
    if run.experiment.probe:
        probed, added = PROBES[run.experiment.probe](run)
        arrays |= added
    metrics = Metrics(
        accuracy=run.accuracy,
        layer_accuracy=run.layer_accuracy,
        images=len(everything.labels),
        correct=len(correct.labels),
        layers=layers,
        unseen=held_out,
        choices=_choices(ranges, everything, similarity),
        readout=value,
        detection=detection,
        probe=probed,
        timeline=rows,
    )
    return metrics, arrays


def _choices(ranges: dict[str, Array], everything: Activations, similarity: Array) -> list[Choice]:
    """Ensembles at every threshold; for cheap rules also on all images."""
    cheap = [rule for rule in ranges if rule != "kolmogorov-smirnov"]
    on_all = {
        rule: members_by_threshold(rule, everything, THRESHOLDS[rule], classes=len(similarity))
        for rule in cheap
    }
    return [
        *(c for r, m in ranges.items() for c in by_threshold(r, m, similarity)),
        *(c for r, m in on_all.items() for c in by_threshold(r, m, similarity, "all")),
    ]


def _readout(run: Run, everything: Activations) -> tuple[Readout, dict[str, Array]]:
    """Find ensembles on a random half of the images, and read them on the other half."""
    seed, network = run.experiment.seed, run.network
    pixels, labels = run.images(run.experiment.evaluate_on)
    members, rest = found_on_half(run, everything)
    x, y = pixels[rest], labels[rest]
    true = some(everything, rest).values
    carried = {"true": true} if network.labelled else {"plain": true}
    if network.labelled:
        carried = {"none": network.activations(x, torch.full_like(y, NO_LABEL))} | carried
    decoded = {
        name: [
            float((readout.decode(h, own) == y.numpy()).mean())
            for h, own in zip(hidden, members, strict=True)
        ]
        for name, hidden in carried.items()
    }

    def predict_with(images: Tensor) -> Callable[[Array], Array]:
        predict = network.without(pixels[images], run.scores[images])
        return lambda silent: predict(torch.from_numpy(silent)).numpy()

    few = slice(DAMAGED)
    own, random = readout.damage(predict_with(rest[few]), members, y[few], seed=seed)
    cut = readout.cut(predict_with(rest), members, y, seed=seed)
    damage = {"damage/ensembles": own, "damage/random": random}
    arrays = {name: array.astype(np.float32) for name, array in damage.items()}
    return Readout(decoded=decoded, cut=cut), arrays


def _held_out(
    run: Run,
) -> tuple[dict[str, list[unseen.UnseenClass]], list[UnseenChoice], dict[str, Array]]:
    """Measure the held-out class under every label it may carry.

    Seen images carry the same kind of label as unseen ones and none is left out for being
    misclassified, so that only the image can tell the two apart.
    """
    split, device = run.experiment.evaluate_on, run.network.device
    classes, seed = len(run.data.classes), run.experiment.seed
    metrics, profiles = {}, {}
    detection: list[UnseenChoice] = []
    for name, carried in conditions(run).items():
        on = partial(run.activations, split, correct_only=False, carried=carried)
        shown, others = on(unseen=True).to(device), on().to(device)
        metrics[name] = unseen.unseen_class(
            shown.values, others.values, others.labels, classes=classes, seed=seed
        )
        means = [h.cpu().numpy().mean(0) for h in shown.values]
        profiles[f"unseen/{name}"] = np.stack(means).astype(np.float16)
        if name in ("plain", "predicted"):
            detection = [
                choice
                for rule in RULES
                for choice in unseen.told_by_threshold(shown.values, others.values, rule, seed=seed)
            ]
    return metrics, detection, profiles


def provenance(run: Run) -> Provenance:
    """Say which code, machine and data made a run."""
    return Provenance(
        version=version("forward-forward-ensembles"),
        commit=_commit(),
        python=python_version(),
        torch=torch.__version__,
        platform=platform(),
        circumstances=run.circumstances,
        date=datetime.now(UTC),
        data=run.data.checksums,
    )


def _mean_of_known(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _commit() -> str:
    """Commit of the checkout that the package runs from, empty where it is not in one."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        said = subprocess.run(
            [*git, "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
