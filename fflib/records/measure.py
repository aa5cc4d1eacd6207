"""From a run to the numbers that its record keeps."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version
from typing import get_args

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from fflib.experiment import Circumstances
from fflib.measures import ensembles, polarity, readout, sharing, sparsity, unseen
from fflib.measures.robustness import THRESHOLDS, USUAL, Choice, by_threshold, members_by_threshold
from fflib.measures.unseen import UnseenChoice
from fflib.networks.dense import NO_LABEL, Activations
from fflib.records.probes import PROBES, Row
from fflib.records.timeline import timeline
from fflib.training.run import Carried, Run

__all__ = ["LayerMetrics", "Metrics", "Provenance", "Worth", "provenance", "summarise", "unpack"]

Array = np.ndarray
RULES = tuple(ensembles.RULES)
WEIGHT_BINS = 80
DAMAGED = 1000  # images that are predicted anew for every ensemble that is silenced


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class LayerMetrics(_Frozen):
    """Numbers of one hidden layer, on correctly classified images unless it says otherwise.

    Parameters
    ----------
    hoyer : float
        Mean Hoyer sparseness over images that are not silent.
    hoyer_all : float
        The same over all images, wrongly classified ones too.
    hoyer_above_rest : float
        The same, with each unit's resting level (its median over all images) taken off.
    hoyer_by_class : list of float
    treves_rolls : float
    active_fraction : float
        Share of units above zero.
    silent_fraction : float
        Share of images on which every unit is silent.
    negative_weights : float
        Share of weights below zero.
    excitation : float
        Sum of positive weights over the sum of negative weights' magnitudes.
    links : dict or None
        Whether positive weights join same-class ensembles of this layer and the one below, see
        :class:`fflib.measures.polarity.SameClassLinks`; None for the first layer.
    """

    hoyer: float
    hoyer_all: float
    hoyer_above_rest: float
    hoyer_by_class: list[float]
    treves_rolls: float
    active_fraction: float
    silent_fraction: float
    negative_weights: float
    excitation: float
    links: dict[str, float] | None


class Worth(_Frozen):
    """What ensembles are worth, on other images than those they were found on.

    Parameters
    ----------
    decoded : dict of str to list of float
        By the label carried ("none", "true"; "plain" for a network without labels): accuracy of
        reading the class off the ensembles alone, layer by layer. With "true" the label itself is
        in the input, so that only "none" tells what the image alone gives away.
    cut : fflib.measures.readout.Cut
        What is lost with the units that are in no ensemble.
    """

    decoded: dict[str, list[float]]
    cut: readout.Cut

    @property
    def unlabelled(self) -> list[float]:
        """Accuracy of reading images that carry no label, layer by layer."""
        return self.decoded["none" if "none" in self.decoded else "plain"]


class Metrics(_Frozen):
    """The numbers of one run.

    Parameters
    ----------
    accuracy : float
        On evaluation images of the classes seen in training.
    layer_accuracy : list of float
        Of each layer alone; empty for a plain network, of which only the last has a say.
    images, correct : int
        Evaluation images, and those classified correctly.
    layers : list of LayerMetrics
    unseen : dict or None
        By the label carried ("true", "none", "predicted"; "plain" for a network without labels),
        one :class:`fflib.measures.unseen.UnseenClass` a layer; None where no class was held out.
    choices : list of Choice or None
        Ensembles under other rules and thresholds, on correctly classified and on all images;
        the Kolmogorov–Smirnov rule on the former only. None where it was not measured.
    worth : Worth or None
        None for validation data and for runs with a held-out class.
    told : list of UnseenChoice or None
        The AUROC of the held-out class under other rules and thresholds, with images carrying the
        label that the network prefers; None where no class was held out.
    probe : list of dict or None
        What the measurement found that the experiment asks for by its ``probe``, see
        :mod:`fflib.records.probes`.
    timeline : list of dict or None
        The snapshots of the run, see :func:`fflib.records.timeline.timeline`.
    """

    accuracy: float
    layer_accuracy: list[float]
    images: int
    correct: int
    layers: list[LayerMetrics]
    unseen: dict[str, list[unseen.UnseenClass]] | None
    choices: list[Choice] | None = None
    worth: Worth | None = None
    told: list[UnseenChoice] | None = None
    probe: list[Row] | None = None
    timeline: list[Row] | None = None


class Provenance(_Frozen):
    """Which code, machine and data made a run, and when.

    Parameters
    ----------
    version, commit : str
        Of this package; a commit with changes on top ends in "+".
    python, torch, platform : str
    circumstances : Circumstances
        Device, threads, precision and seconds of training.
    date : datetime
        When the run ended, UTC.
    data : dict of str to str
        MD5 of the data by file or array.
    """

    version: str
    commit: str
    python: str
    torch: str
    platform: str
    circumstances: Circumstances
    date: datetime
    data: dict[str, str]


def summarise(run: Run, rules: Sequence[str] = RULES) -> tuple[Metrics, dict[str, Array]]:
    """Measure a run.

    Parameters
    ----------
    run : Run
    rules : sequence of str
        Ensemble rules to apply. The Kolmogorov–Smirnov rule takes most of the time; it is left out
        for runs with a held-out class and for those with snapshots whatever is asked.

    Returns
    -------
    metrics : Metrics
    arrays : dict of str to ndarray
        ``mean``: class mean activations, (layer, class, unit). ``ensembles/RULE``: membership
        packed to bits, see :func:`unpack`. ``similarity``: correlation of class mean images,
        (class, class). ``weights`` and ``weight_edges``: histogram of the weights by layer.
        ``unseen/CARRIED``: mean activations on the held-out class, (layer, unit).
        ``damage/ensembles`` and ``damage/random``: see :func:`fflib.measures.readout.damage`.
        ``snapshots/ensembles`` and ``snapshots/preferred``: see :func:`fflib.records.timeline.timeline`.
    """
    split = run.experiment.evaluate_on
    classes = len(run.data.classes)
    everything = run.activations(split, correct_only=False)
    correct = run.activations(split)
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
        found = polarity.same_class_links(
            connections[depth], lower, upper, seed=run.experiment.seed
        )
        links.append(asdict(found))

    layers = [
        LayerMetrics(
            hoyer=sparsity.mean_hoyer(h),
            hoyer_all=sparsity.mean_hoyer(h_all),
            hoyer_above_rest=sparsity.mean_hoyer(h, resting=np.median(h, axis=0)),
            hoyer_by_class=[sparsity.mean_hoyer(h[correct.labels == c]) for c in range(classes)],
            treves_rolls=float(np.nanmean(sparsity.treves_rolls(h))),
            active_fraction=sparsity.active_fraction(h),
            silent_fraction=sparsity.silent_fraction(h),
            negative_weights=polarity.negative_fraction(w),
            excitation=polarity.balance(w),
            links=link,
        )
        for h, h_all, w, link in zip(
            _numpy(correct), _numpy(everything), weights, links, strict=True
        )
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
    held_out = told = None
    if run.experiment.hold_out is not None:
        held_out, told, profiles = _held_out(run)
        arrays |= profiles
    value = None
    if run.experiment.hold_out is None and split != "validation":
        value, damage = _worth(run)
        arrays |= damage
    rows = None
    if run.snapshots:
        rows, moments = timeline(run)
        arrays |= moments
    metrics = Metrics(
        accuracy=run.accuracy,
        layer_accuracy=run.layer_accuracy,
        images=len(everything.labels),
        correct=len(correct.labels),
        layers=layers,
        unseen=held_out,
        choices=_choices(ranges, everything, similarity),
        worth=value,
        told=told,
        probe=PROBES[run.experiment.probe](run) if run.experiment.probe else None,
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


def _worth(run: Run) -> tuple[Worth, dict[str, Array]]:
    """Find ensembles on a random half of the images, and see on the other what they are worth."""
    seed, classes, network = run.experiment.seed, len(run.data.classes), run.network
    pixels, labels = run.images(run.experiment.evaluate_on)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels)))
    for_finding, rest = order.tensor_split(2)
    right = for_finding[network.predict(pixels[for_finding]) == labels[for_finding]]
    found = Activations(network.activations(pixels[right], labels[right]), labels[right])
    members = ensembles.median_quantile(found, classes=classes)

    x, y = pixels[rest], labels[rest]
    carried = {"none": torch.full_like(y, NO_LABEL), "true": y}
    if not network.labelled:
        carried = {"plain": y}
    decoded = {
        name: [
            float((readout.decode(h, own) == y.numpy()).mean())
            for h, own in zip(network.activations(x, shown), members, strict=True)
        ]
        for name, shown in carried.items()
    }

    def predict_with(images: torch.Tensor) -> Callable[[Array], Array]:
        return lambda silent: network.silenced(torch.from_numpy(silent)).predict(images).numpy()

    few = slice(DAMAGED)
    own, random = readout.damage(predict_with(x[few]), members, y[few], seed=seed)
    cut = readout.cut(predict_with(x), members, y, seed=seed)
    damage = {"damage/ensembles": own, "damage/random": random}
    return (
        Worth(decoded=decoded, cut=cut),
        {name: array.astype(np.float32) for name, array in damage.items()},
    )


def _held_out(
    run: Run,
) -> tuple[dict[str, list[unseen.UnseenClass]], list[UnseenChoice], dict[str, Array]]:
    """Measure the held-out class under every label it may carry.

    Seen images carry the same kind of label as unseen ones and none is left out for being
    misclassified, so that only the image can tell the two apart.
    """
    split = run.experiment.evaluate_on
    conditions: dict[str, Carried] = {"plain": "true"}
    if run.network.labelled:
        conditions = {carried: carried for carried in get_args(Carried)}
    metrics, profiles = {}, {}
    told: list[UnseenChoice] = []
    for name, carried in conditions.items():
        shown = run.activations(split, correct_only=False, carried=carried, unseen=True)
        others = run.activations(split, correct_only=False, carried=carried)
        metrics[name] = unseen.unseen_class(
            shown.values,
            others.values,
            others.labels,
            classes=len(run.data.classes),
            seed=run.experiment.seed,
        )
        profiles[f"unseen/{name}"] = np.stack([h.mean(0) for h in _numpy(shown)]).astype(np.float16)
        if name in ("plain", "predicted"):
            told = [
                choice
                for rule in RULES
                for choice in unseen.told_by_threshold(
                    shown.values, others.values, rule, seed=run.experiment.seed
                )
            ]
    return metrics, told, profiles


def unpack(packed: Array, units: int) -> Array:
    """Turn packed membership into booleans.

    Parameters
    ----------
    packed : ndarray of uint8, shape (layer, class, bytes)
    units : int

    Returns
    -------
    ndarray of bool, shape (layer, class, unit)

    Examples
    --------
    >>> members = np.array([[[True, False, True]]])
    >>> bool((unpack(np.packbits(members, axis=-1), 3) == members).all())
    True
    """
    return np.unpackbits(packed, axis=-1, count=units).astype(bool)


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


def _numpy(activations: Activations) -> list[Array]:
    return [h.numpy() for h in activations.values]


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
