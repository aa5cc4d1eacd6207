"""The explorers as widgets in JupyterLab, on a run that has just been trained.

Nothing is read from records: rule and threshold can be moved, and ensembles, images and overlaps
follow.
"""

from functools import cache, cached_property
from typing import Any

import ipywidgets as widgets
import numpy as np

from fflib import wording
from fflib.book.explorers.drawing import paragraph, picture, portrait_of, shared_matrix, wall_of
from fflib.book.explorers.ensembles import sharing_of
from fflib.book.explorers.timeline import moment_said
from fflib.measures.drivers import NO_IMAGE, strongest
from fflib.measures.ensembles import RULES, Activations, class_means, mean_p_values
from fflib.measures.robustness import THRESHOLDS, USUAL
from fflib.measures.sharing import jaccard, shared_units
from fflib.records.schema import unpack
from fflib.records.timeline import timeline
from fflib.training.run import Run

__all__ = ["EnsembleExplorer", "OverlapExplorer", "TrainingExplorer", "explore"]

NO_SNAPSHOTS = (
    "This run kept no snapshots of its training: train it with "
    "<code>fflib.Experiment(..., snapshots=12)</code> to see how its ensembles form."
)


def explore(run: Run) -> widgets.Tab:
    """Show ensembles, overlaps and training of a run, each on a tab of its own.

    The tabs are an :class:`EnsembleExplorer`, an :class:`OverlapExplorer` and, where the run has
    snapshots, a :class:`TrainingExplorer`.

    Examples
    --------
    >>> import fflib
    >>> few = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=2)
    >>> explore(fflib.train(few, progress=False)).titles
    ('ensembles', 'overlaps', 'training')
    """
    layers = _Layers(run)
    training = TrainingExplorer(run).box if run.snapshots else widgets.HTML(NO_SNAPSHOTS)
    return widgets.Tab(
        [EnsembleExplorer(run, layers).box, OverlapExplorer(run, layers).box, training],
        titles=["ensembles", "overlaps", "training"],
    )


class _Layers:
    """Activations of a run, and ensembles under any rule and threshold, each found once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.classes = run.data.classes
        self.ensembles = cache(self._ensembles)
        self.p_values = cache(self._p_values)

    @cached_property
    def activations(self) -> Activations:
        """On the images for evaluation that are classified correctly, with their true label."""
        return self.run.activations(self.run.experiment.evaluate_on)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Which of the images for evaluation each of them is."""
        split = self.run.experiment.evaluate_on
        seen = np.isin(self.run.data.split(split).labels.numpy(), self.run.network.seen)
        return np.flatnonzero(seen)[self.run.correct(split).numpy()]

    def layer(self, depth: int) -> Activations:
        return Activations([self.activations.values[depth]], self.activations.labels)

    @cached_property
    def means(self) -> np.ndarray:
        return class_means(self.activations, classes=len(self.classes))

    def _ensembles(self, rule: str, threshold: float, depth: int) -> np.ndarray:
        """Boolean, shape (class, unit)."""
        if rule == "kolmogorov-smirnov":
            return self.p_values(depth) < threshold
        return RULES[rule](self.layer(depth), threshold, classes=len(self.classes))[0]

    def _p_values(self, depth: int) -> np.ndarray:
        # They cost minutes for wide layers, comparing them nothing.
        return mean_p_values(self.layer(depth), classes=len(self.classes))[0]


class _Choice:
    """Widgets for layer, rule and threshold; `show` is called whenever one of them moves."""

    def __init__(self, run: Run, layers: _Layers | None = None) -> None:
        self.layers = layers or _Layers(run)
        names = wording.layer_names(run.experiment.layers)
        self.layer = widgets.Dropdown(
            options=[(name, depth) for depth, name in enumerate(names)], description="Layer"
        )
        self.rule = widgets.Dropdown(
            options=[(wording.rule_name(rule), rule) for rule in RULES], description="Rule"
        )
        self.thresholds = {rule: _threshold(rule) for rule in RULES}
        self.text = widgets.HTML()
        self.picture = widgets.HTML()
        self.shown: dict[str, Any] = {}
        for widget in (self.layer, self.rule, *self.thresholds.values()):
            widget.observe(self._change, names="value")

    @property
    def threshold(self) -> float:
        """That of the rule that is chosen."""
        return float(self.thresholds[self.rule.value].value)

    @property
    def ensembles(self) -> np.ndarray:
        """Of the layer, under rule and threshold as they are chosen; shape (class, unit)."""
        return self.layers.ensembles(self.rule.value, self.threshold, self.layer.value)

    def _change(self, _: object = None) -> None:
        for rule, slider in self.thresholds.items():
            slider.layout.display = None if rule == self.rule.value else "none"
        self.show()

    def _arrange(self, *more: widgets.Widget) -> widgets.VBox:
        """Put all controls above text and picture, those of a kind of explorer included."""
        for widget in more:
            widget.observe(self._change, names="value")
        controls = [self.layer, *more, self.rule, *self.thresholds.values()]
        return widgets.VBox([widgets.VBox(controls), self.text, self.picture])

    def show(self) -> None:
        """Draw what is chosen."""
        raise NotImplementedError


def _threshold(rule: str) -> widgets.FloatSlider | widgets.FloatLogSlider:
    low, high = min(THRESHOLDS[rule]), max(THRESHOLDS[rule])
    common: dict[str, Any] = {
        "value": USUAL[rule], "description": "Threshold", "continuous_update": False,
        "layout": widgets.Layout(width="26em"),
    }  # fmt: skip
    if rule == "median-quantile":
        return widgets.FloatSlider(min=low, max=high, step=0.01, readout_format=".2f", **common)
    return widgets.FloatLogSlider(
        base=10, min=np.log10(low), max=np.log10(high), step=0.05, readout_format=".3g", **common
    )


class EnsembleExplorer(_Choice):
    """Ensemble, images and neighbours of one class of a live run.

    It shows at most so many `images` that drive the ensemble.

    Attributes
    ----------
    box : Widget
        To be displayed.
    shown : dict
        What it says: ``members``, ``images`` (numbers of the images for evaluation) and
        ``sharing``, see :func:`fflib.book.explorers.ensembles.sharing_of`.
    """

    def __init__(self, run: Run, layers: _Layers | None = None, images: int = 6) -> None:
        super().__init__(run, layers)
        self.images = images
        self.label = widgets.Dropdown(
            options=[(name, label) for label, name in enumerate(self.layers.classes)],
            description="Class",
        )
        self.order = widgets.Dropdown(
            options=[("strongest first", True), ("in place", False)], description="Units"
        )
        self.box = self._arrange(self.label, self.order)
        self._change()

    def show(self) -> None:
        """Draw what is chosen."""
        layers, label, depth = self.layers, self.label.value, self.layer.value
        ensembles = self.ensembles
        own = np.flatnonzero(ensembles[label])
        chosen = strongest(
            layers.activations.values[depth], layers.activations.labels, ensembles, self.images
        )
        numbers = layers.numbers[chosen[label][chosen[label] != NO_IMAGE]]
        sharing = sharing_of(ensembles, label)
        self.shown = {"members": own, "images": numbers, "sharing": sharing}
        name = layers.classes[label]
        others = ", ".join(
            f"{layers.classes[other]} ({shared}, Jaccard {index:.2f})"
            for other, shared, index in sharing
        )
        said = (
            f"Class {name}: {len(own)} of {ensembles.shape[1]} units are in the ensemble. "
            f"It shares units with {others or 'no other'}."
        )
        self.text.value = paragraph(said)
        images = layers.run.data.split(layers.run.experiment.evaluate_on).images
        figure = portrait_of(
            layers.means[depth, label], ensembles[label], images[numbers].numpy(), self.order.value
        )
        self.picture.value = picture(
            figure, f"{said} Test images that drive it: {', '.join(map(str, numbers)) or 'none'}."
        )


class OverlapExplorer(_Choice):
    """The units that the ensembles of two classes of a live run share.

    Attributes
    ----------
    box : Widget
        To be displayed.
    shown : dict
        What it says: ``sizes`` of both ensembles, ``shared`` units and ``jaccard``.
    """

    def __init__(self, run: Run, layers: _Layers | None = None) -> None:
        super().__init__(run, layers)
        options = [(name, label) for label, name in enumerate(self.layers.classes)]
        self.first = widgets.Dropdown(options=options, value=0, description="Row")
        self.second = widgets.Dropdown(options=options, value=1, description="Column")
        self.box = self._arrange(self.first, self.second)
        self._change()

    def show(self) -> None:
        """Draw what is chosen."""
        ensembles, pair = self.ensembles, [self.first.value, self.second.value]
        a, b = ensembles[pair]
        shared, index = np.flatnonzero(a & b), float(jaccard(ensembles[pair])[0, 1])
        sizes = [int(a.sum()), int(b.sum())]
        self.shown = {"sizes": sizes, "shared": shared, "jaccard": index}
        one, other = (self.layers.classes[label] for label in pair)
        units = ", ".join(map(str, shared))
        said = (
            f"{one} ({sizes[0]} units) and {other} ({sizes[1]} units) share {len(shared)}; "
            f"Jaccard index {index:.2f}."
        )
        self.text.value = paragraph(f"{said} Shared units: {units or 'none'}.")
        figure = shared_matrix(shared_units(ensembles), self.layers.classes, pair)
        self.picture.value = picture(figure, said)


class TrainingExplorer:
    """Membership along the training of a live run, which was trained with snapshots.

    Attributes
    ----------
    box : Widget
        To be displayed.
    moment : IntSlider
        Which snapshot is shown.
    shown : dict
        What it says: ``members``, boolean of shape (layer, class, unit), and the ``rows`` of
        :func:`fflib.records.timeline.timeline`.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows, arrays = timeline(run)
        self.members = unpack(arrays["snapshots/ensembles"], run.experiment.hidden)
        self.order = np.argsort(arrays["snapshots/preferred"][-1], axis=-1, kind="stable")
        last = len(self.members) - 1
        self.moment = widgets.IntSlider(value=last, min=0, max=last, description="Moment")
        play = widgets.Play(value=last, min=0, max=last, interval=400)
        widgets.link((play, "value"), (self.moment, "value"))
        self.text, self.picture = widgets.HTML(), widgets.HTML()
        self.shown: dict[str, Any] = {}
        self.moment.observe(self.show, names="value")
        self.box = widgets.VBox([widgets.HBox([play, self.moment]), self.text, self.picture])
        self.show()

    def show(self, _: object = None) -> None:
        """Draw the moment that is chosen."""
        moment, layers = self.moment.value, self.run.experiment.layers
        rows = self.rows[moment * layers : (moment + 1) * layers]
        self.shown = {"members": self.members[moment], "rows": rows}
        said = moment_said(rows)
        self.text.value = paragraph(said)
        now, end = (
            np.take_along_axis(found, self.order[:, None], axis=-1)
            for found in (self.members[moment], self.members[-1])
        )
        self.picture.value = picture(wall_of(now, end, self.run.data.classes), said)
