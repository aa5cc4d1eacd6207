"""Training as a time line: membership in ensembles at a moment that the reader chooses."""

from collections.abc import Sequence
from html import escape
from string import Template

import pandas as pd
from IPython.display import HTML

from fflib import wording
from fflib.book.explorers.page import bits, panel
from fflib.book.figures.timeline import membership
from fflib.records.schema import Row
from fflib.records.stores import Record

__all__ = ["explore_training", "moment_said", "moment_table"]

LAYER = Template("""<p class="note">Layer $depth</p><div class="layer"><ol>$names</ol>
<canvas width="$units" height="$classes" style="height: ${height}px" role="img"
 aria-label="Membership of the units of layer $depth in the ensemble of each class"></canvas></div>""")

PIXELS = 11  # of the page, for the row of a class


def explore_training(record: Record, names: Sequence[str], units: int = 196) -> HTML:
    """Show membership along training, at a moment that the reader chooses.

    It takes the keyboard as well as a mouse, loads nothing, and is left out in print and where
    scripts do not run: a still figure has to stand beside it, see
    :func:`fflib.book.figures.timeline.stills`.

    The run has snapshots. There is a panel per layer with a row per class and a column per unit, at
    most so many `units`, sorted by the class that each prefers at the end. The page grows by less
    than 300 kB for sixty moments of three layers and ten classes.
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
        "said": [moment_said(rows) for rows in _moments(record)],
        "members": bits(members),
    }
    return panel(
        "timeline",
        record.experiment.key,
        data,
        label="Training as a time line",
        table=moment_table(_moments(record)),
        caption="As a table: accuracy and identity with the end at every moment",
        last=str(len(members) - 1),
        layers="".join(layers),
    )


def moment_said(rows: Sequence[Row]) -> str:
    """Describe a moment, and how far the ensembles are those of the end.

    The rows are those of :func:`fflib.records.timeline.timeline`, one per layer.

    Examples
    --------
    >>> moment_said([{"learns": 1, "step": 1000, "accuracy": 0.5, "identity": 0.25}])
    'Layer 1 learns, step 1,000: accuracy 0.500; identity of ensembles with the end, by layer: 0.25'
    """
    same = ", ".join(_identity(row) for row in rows)
    return (
        f"{_stage(rows)}, step {rows[0]['step']:,}: accuracy {rows[0]['accuracy']:.3f}; "
        f"identity of ensembles with the end, by layer: {same}"
    )


def moment_table(moments: Sequence[Sequence[Row]]) -> pd.DataFrame:
    """Tabulate accuracy and identity of the ensembles with those at the end, at every moment.

    The table has a row per moment, in the order of training; a column for the accuracy and one per
    layer.
    """
    index = pd.MultiIndex.from_tuples(
        [(_stage(rows), rows[0]["step"]) for rows in moments], names=["stage", "step"]
    )
    columns = ["accuracy", *wording.layer_names(len(moments[0]))]
    cells = [[f"{rows[0]['accuracy']:.3f}", *map(_identity, rows)] for rows in moments]
    return pd.DataFrame(cells, index, columns)


def _moments(record: Record) -> list[list[Row]]:
    rows, layers = record.metrics.timeline or [], record.experiment.layers
    return [rows[first : first + layers] for first in range(0, len(rows), layers)]


def _stage(rows: Sequence[Row]) -> str:
    learns = rows[0]["learns"]
    return "All layers learn" if learns is None else f"Layer {learns} learns"


def _identity(row: Row) -> str:
    return "none" if row["identity"] is None else f"{row['identity']:.2f}"
