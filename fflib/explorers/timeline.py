"""Training as a time line: membership in ensembles at a moment that the reader chooses."""

from collections.abc import Sequence
from html import escape
from string import Template

import pandas as pd
from IPython.display import HTML

from fflib.explorers.page import bits, panel
from fflib.plots.development import membership
from fflib.records import Record

__all__ = ["explore_training", "moment_table", "moments_said"]

LAYER = Template("""<p class="note">Layer $depth</p><div class="layer"><ol>$names</ol>
<canvas width="$units" height="$classes" style="height: ${height}px" role="img"
 aria-label="Membership of the units of layer $depth in the ensemble of each class"></canvas></div>""")

PIXELS = 11  # of the page, for the row of a class


def explore_training(record: Record, names: Sequence[str], units: int = 196) -> HTML:
    """Membership along training, at a moment that the reader chooses.

    It takes the keyboard as well as a mouse, loads nothing, and is left out in print and where
    scripts do not run: a still figure has to stand beside it, see
    :func:`fflib.plots.development.stills`.

    Parameters
    ----------
    record : Record
        A run with snapshots.
    names : sequence of str
        Names of the classes.
    units : int
        How many of a layer's are shown at most.

    Returns
    -------
    HTML
        A panel per layer with a row per class and a column per unit, sorted by the class that it
        prefers at the end; below 300 kB for sixty moments of three layers and ten classes.
    """
    members, shown = membership(record, units)
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    width = shown.shape[1]
    layers = [
        LAYER.substitute(
            depth=depth, names=items, units=width, classes=len(names), height=PIXELS * len(names)
        )
        for depth in range(1, len(shown) + 1)
    ]
    data = {
        "units": width,
        "classes": len(names),
        "said": moments_said(record),
        "members": bits(members),
    }
    return panel(
        "timeline",
        record.experiment.key,
        data,
        label="Training as a time line",
        table=moment_table(record),
        caption="As a table: accuracy and identity with the end at every moment",
        last=str(len(members) - 1),
        layers="".join(layers),
    )


def moments_said(record: Record) -> list[str]:
    """What every moment is, and how far the ensembles are those of the end."""
    said = []
    for (who, step), row in moment_table(record).iterrows():
        same = ", ".join(row.iloc[1:])
        said.append(
            f"{who}, step {step:,}: accuracy {row['accuracy']}; "
            f"identity of ensembles with the end, by layer: {same}"
        )
    return said


def moment_table(record: Record) -> pd.DataFrame:
    """Accuracy, and identity of the ensembles with those at the end, at every moment.

    Parameters
    ----------
    record : Record
        A run with snapshots.

    Returns
    -------
    DataFrame
        A row per moment, in the order of training; a column for the accuracy and one per layer.
    """
    rows, layers = record.metrics.timeline or [], record.experiment.layers
    moments = [rows[first : first + layers] for first in range(0, len(rows), layers)]
    learns = [here[0]["learns"] for here in moments]
    index = pd.MultiIndex.from_arrays(
        [
            ["All layers learn" if who is None else f"Layer {who} learns" for who in learns],
            [here[0]["step"] for here in moments],
        ],
        names=["stage", "step"],
    )
    table = pd.DataFrame({"accuracy": [f"{here[0]['accuracy']:.3f}" for here in moments]}, index)
    for depth in range(layers):
        same = [here[depth]["identity"] for here in moments]
        table[f"layer {depth + 1}"] = ["none" if i is None else f"{i:.2f}" for i in same]
    return table
