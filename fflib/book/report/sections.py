"""The sections of the page of verdicts: prose, tables and figures, as HTML or as text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd
import torch

from fflib import wording
from fflib.book.figures import pictures, sparsity
from fflib.book.figures import scorecard as scores
from fflib.book.figures.panels import by_model, on_layers
from fflib.book.report.html import Raw, figure, table
from fflib.data import Dataset
from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims import Claim, Verdict, members
from fflib.study.claims.verdicts import in_words
from fflib.study.evidence import claim, where
from fflib.study.tables import settings as settings_table
from fflib.wording import minus

CLASS = {"holds": "holds", "fails": "fails"}


def summary(
    name: str, data: Dataset, records: Sequence[Record], verdicts: Iterable[Verdict]
) -> str:
    """Summarise in a sentence what the runs say of the claims."""
    found = [word(verdict) for verdict in verdicts]
    counts = ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found))
    return (
        f"What {len(records)} training runs on {len(data.train) + len(data.test)} images in "
        f"{len(data.classes)} classes ({name}) say of the paper's {len(found)} claims: {counts}."
    )


def failures(
    failures: Mapping[Experiment, str], records: Sequence[Record], classes: Sequence[str]
) -> str:
    """Say how many trainings of each kind failed, why, and what to change."""
    kinds: dict[tuple[str, bool], list[Experiment]] = {}
    for e in failures:
        kinds.setdefault((e.model, e.hold_out is not None), []).append(e)
    said = []
    for (model, unseen), failed in kinds.items():
        runs = len(failed) + len(_trained(records, model, unseen))
        which = "without a class" if unseen else "with all classes"
        reasons = "".join(
            f"<li>seed {e.seed}"
            f"{'' if e.hold_out is None else f' without class {escape(classes[e.hold_out])}'}: "
            f"{escape(failures[e])}</li>"
            for e in failed
        )
        said.append(
            f'<details class="problem" open><summary>{wording.model_name(model)}: {len(failed)} of {runs} '
            f"trainings {which} failed</summary><ul>{reasons}</ul></details>"
        )
    if said:
        epochs = max(e.epochs for e in failures)
        said.append(
            "<p>What to change: a layer that has not learned may need more steps. These trainings had "
            f"{epochs} epochs; try more, such as <code>--epochs {2 * epochs}</code>, or more images. "
            "What has ended is kept, and a training that failed is tried again.</p>"
        )
    return "\n".join(said)


def _trained(records: Iterable[Record], model: str, unseen: bool) -> list[Record]:
    """Return the runs of a model with a class left out, or with none."""
    runs = where(records, model=model, untrained=False)
    return [run for run in runs if (run.experiment.hold_out is not None) == unseen]


def word(verdict: Verdict) -> str:
    """Return the verdict in a word, which says whether there was one."""
    return verdict.verdict if verdict.cells else "not judged"


def _unjudged(claim: Claim, records: Sequence[Record], data: Dataset) -> str:
    """Say why no run bears on a claim."""
    if claim.unseen and len(data.classes) < 3:
        return "to leave a class out takes three classes"
    needed = [*claim.runs.values(), *([claim.rivals[claim.against]] if claim.against else [])]
    models = dict.fromkeys(fields["model"] for fields in needed)
    absent = [wording.model_name(m) for m in models if not _trained(records, m, claim.unseen)]
    if absent:
        return f"no training of {' or '.join(absent)}{' without a class' * claim.unseen} succeeded"
    return "these images do not say what it asks for"


def verdicts(verdicts: Iterable[Verdict], records: Sequence[Record], data: Dataset) -> str:
    """Tabulate the verdict on each claim, with what its rivals and the label alone do."""
    rows = []
    for verdict in verdicts:
        claim = verdict.claim
        numbers = [
            f"{f'layer {c.layer}: ' if c.layer else ''}{c.interval:.3f}, n = {c.interval.n}"
            for c in verdict.cells
        ] or [_unjudged(claim, records, data)]
        bound = minus(f"{claim.label}, holds {claim.side} {claim.bound:g}")
        rows.append(
            [
                Raw(f"{escape(claim.title)}<br><span>{escape(claim.statement)}</span>"),
                Raw(
                    f'<span class="verdict {CLASS.get(verdict.verdict, "open")}">'
                    f"{escape(word(verdict))}</span>"
                ),
                Raw(f"{escape(bound)}:<br>{'<br>'.join(escape(minus(said)) for said in numbers)}"),
                verdict.back_propagation_too or "–",
                verdict.label_alone or "–",
            ]
        )
    header = ["claim of the paper", "verdict", "on these images: mean over runs, interval"]
    asked = ["does back-propagation do it too?", "is it the label?"]
    return table("What the claims come to", [*header, *asked], rows)


def reading(verdicts: Sequence[Verdict]) -> str:
    """Explain how a verdict is reached."""
    return (
        "A claim holds if the whole interval lies on the good side of its bound and its networks are "
        "beyond every rival that it names, in every layer if it is about layers. It fails if in some layer "
        "it surely does not and holds in none, is mixed if it holds in some layers and fails in others, and "
        f"is open otherwise. Since {len(verdicts)} claims are judged at once, in their layers and against "
        "their rivals, intervals are widened accordingly, so that with 95 % confidence all of them contain what "
        "they estimate. Open "
        "is a result: it says that these runs are too few, or too unlike one another, to tell."
    )


def figures(
    verdicts: Sequence[Verdict], records: Sequence[Record], full: Sequence[Record], data: Dataset
) -> dict[str, str]:
    """Draw the figures of the page, by their places in its template."""
    protocol = full[0].experiment.protocol
    models, judged = by_model(full), [verdict for verdict in verdicts if verdict.cells]
    sparse = "; ".join(
        f"{wording.model_name(model)} {_layers(_mean(runs, 'hoyer'))}"
        for model, runs in models.items()
    )
    sizes = "; ".join(
        f"{wording.model_name(model)} {_layers(np.mean([members(r).sum(-1).mean(-1) for r in runs], 0), '.0f')}"
        for model, runs in models.items()
    )
    of_claims = dict.fromkeys(("glance", "estimates"), "<p>No claim could be judged.</p>")
    if judged:
        of_claims = {
            "glance": figure(
                pictures.at_a_glance(judged, records, protocol),
                "What each claim is about. A point is a training run, lines are means, n is the number of "
                "runs. Dashed: the bound of a criterion; dotted: chance.",
                f"A small panel for each claim. {in_words(judged)}",
            ),
            "estimates": figure(
                scores.estimates(judged),
                "Every claim against its bound. The mean over runs with its interval, and the runs as "
                "small dots; the shaded side of the dashed bound is where the claim holds.",
                f"A panel for each claim. {in_words(judged)}",
            ),
        }
    return of_claims | {
        "sparseness": figure(
            sparsity.sparseness(full),
            "Hoyer sparseness by layer. On correctly classified images, on all, and above each unit's "
            "resting level; then the share of images that leave the layer silent.",
            f"Mean Hoyer sparseness of correctly classified images, layer by layer: {sparse}.",
        ),
        "walls": figure(
            sparsity.activation_walls(full, data.classes),
            "Activation walls. Mean activation of every unit (columns, sorted by the class that drives "
            "them most) for every class (rows), one run of each model.",
            "A panel for each layer and model, with a row for each class. Mean number of units in an "
            f"ensemble, layer by layer: {sizes}.",
        ),
    }


def _mean(runs: Iterable[Record], quantity: str) -> np.ndarray:
    return np.mean([on_layers(r, quantity) for r in runs], axis=0)


def _layers(values: Iterable[float], form: str = ".2f") -> str:
    return ", ".join(format(value, form) for value in values)


def classes(data: Dataset) -> str:
    """Tabulate how many images each class has."""
    counts = [
        torch.bincount(split.labels, minlength=len(data.classes)).tolist()
        for split in (data.train, data.test)
    ]
    channels, height, width = data.shape
    colour = "in colour" if channels == 3 else "grey"
    return table(
        f"Images of {width}×{height} pixels, {colour}",
        ["class", "to train on", "to test with"],
        zip(data.classes, *counts, strict=True),
    )


def models(full: Sequence[Record]) -> str:
    """Tabulate accuracy, sparseness and negative weights of each model."""
    rows = [
        [
            wording.model_name(model),
            f"{mean_interval([r.metrics.accuracy for r in runs], scale='share'):.3f}",
            _layers(_mean(runs, "hoyer")),
            _layers(_mean(runs, "negative_weights")),
            len(runs),
        ]
        for model, runs in by_model(full).items()
    ]
    by_layer = "Hoyer sparseness by layer", "negative weights by layer"
    header = ["model", "test accuracy", *by_layer, "runs"]
    return table("Means over runs; accuracy with its 95 % interval", header, rows)


def criteria(verdicts: Iterable[Verdict]) -> str:
    """Tabulate the criteria, in a part of the page that opens."""
    rows = [[v.claim.title, v.claim.source, minus(v.claim.criterion)] for v in verdicts]
    header = ["claim", "what the paper reports", "criterion"]
    inner = table("The criteria, fixed beforehand", header, rows)
    return f"<details><summary>The criteria, fixed beforehand</summary>\n{inner}\n</details>"


def caveats(data: Dataset, full: Sequence[Record]) -> Iterable[str]:
    """List what limits the verdicts on these images."""
    classes = len(data.classes)
    least = int(torch.bincount(data.test.labels, minlength=classes).min())
    yield (
        f"The smallest class has {least} images to test with. An accuracy comes in steps of "
        f"{1 / len(data.test):.1%} and an ensemble rests on {least} images or fewer: with a hundred "
        "of each class both would be steadier."
    )
    yield (
        "Intervals are over training runs. They say what another seed would give on these images, and "
        "nothing about other images of the same kind."
    )
    chance = 1 / classes
    for model, runs in by_model(full).items():
        accuracy = float(np.mean([r.metrics.accuracy for r in runs]))
        if accuracy < (1 + chance) / 2:
            yield (
                f"{wording.model_name(model)} has a mean accuracy of {accuracy:.2f}, nearer to chance "
                f"({chance:.2f}) than to 1: what it says of ensembles counts for little."
            )
    smallest, wanted = 1 / math.factorial(classes), 1 - claim("shared").confidence
    if not smallest < wanted:
        yield (
            "That categories which look alike share units is also put to a Mantel test, which reorders the "
            f"classes. With {classes} classes its p-value is {smallest:.3f} at the least, and "
            f"{wanted:.4f} is asked for: here the claim can fail, but never hold. It takes six "
            "classes or more."
        )
    if classes < 3:
        yield (
            "Unseen classes were not looked at: to leave one out and still tell others apart takes "
            "three classes."
        )
    yield (
        "Forward-Forward and back-propagation are compared at one setting each. Sparseness depends on "
        "the learning rate; the book's chapter on it shows how much."
    )


def versions(record: Record) -> str:
    """Say which software and device trained a run."""
    made = record.provenance
    commit = f", commit {made.commit}" if made.commit else ""
    where = made.circumstances
    return (
        f"fflib {made.version}{commit}; Python {made.python}; torch {made.torch}; on {where.device}, "
        f"{where.threads} thread{'' if where.threads == 1 else 's'} a run."
    )


def settings(experiments: Iterable[Experiment]) -> pd.DataFrame:
    """Tabulate the settings of each model."""
    first = {e.model: e for e in experiments if e.epochs}
    size = "hidden", "layers"
    fields = *size, "epochs", "batch_size", "learning_rate", "schedule", "theta", "negatives"
    return settings_table(first.values(), fields).droplevel(["data set", "protocol"])
