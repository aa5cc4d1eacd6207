"""Training as a time line: membership in ensembles at a moment that the reader chooses."""

from collections.abc import Iterator, Sequence
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

RUN = Template("""<div class="run"><p class="heading">$model</p>
<p class="said note" aria-live="$live"></p>$layers</div>""")
LAYER = Template("""<p class="note">Layer $depth</p><div class="layer"><ol>$names</ol>
<canvas width="$units" height="$classes" style="height: ${height}px" role="img"
 aria-label="$model: membership of the units of layer $depth in the ensemble of each class"></canvas></div>""")

PIXELS = 11  # of the page, for the row of a class


def explore_training(records: Sequence[Record], names: Sequence[str], units: int = 196) -> HTML:
    """Show membership along training, side by side for some runs, at a moment that the reader chooses.

    It takes the keyboard as well as a mouse, loads nothing, and is left out in print and where
    scripts do not run: a still figure has to stand beside it, see
    :func:`fflib.book.figures.timeline.stills`.

    The runs have snapshots. Each has a panel per layer with a row per class and a column per unit, at
    most so many `units`, sorted by the class that each prefers at the end. Marks along the slider say
    where a layer of the first run begins to learn; a moment of the others is at the same share of their
    training. The page grows by less than 300 kB for sixty moments of three layers and ten classes.
    """
    shown = [membership(record, units)[0] for record in records]
    moments = [_moments(record) for record in records]
    runs = [
        {
            "said": [moment_said(rows) for rows in along],
            "units": members.shape[-1],
            "members": bits(members),
        }
        for along, members in zip(moments, shown, strict=True)
    ]
    models = [wording.model_name(record.experiment.model) for record in records]
    return panel(
        "timeline",
        records[0].experiment.key,
        {"classes": len(names), "runs": runs},
        label="Training as a time line",
        table=pd.concat(map(moment_table, moments), keys=models, names=["model"]),
        caption="As a table: accuracy and identity with the end at every moment",
        last=str(len(moments[0]) - 1),
        stages="".join(_stages(moments[0])),
        runs="".join(
            _run(record, names, members.shape[-1], live="polite" if record is records[0] else "off")
            for record, members in zip(records, shown, strict=True)
        ),
    )


def _run(record: Record, names: Sequence[str], units: int, live: str) -> str:
    model, height = wording.model_name(record.experiment.model), PIXELS * len(names)
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    fields = {"names": items, "units": units, "classes": len(names), "height": height}
    layers = [
        LAYER.substitute(fields, depth=depth, model=model)
        for depth in range(1, record.experiment.layers + 1)
    ]
    return RUN.substitute(model=model, live=live, layers="".join(layers))


def _stages(moments: Sequence[Sequence[Row]]) -> Iterator[str]:
    """Mark where along the slider each layer begins to learn, if one does after the other."""
    before = None
    for at, rows in enumerate(moments):
        if rows[0]["learns"] not in (None, before):
            before = rows[0]["learns"]
            yield f'<li style="left: {at / max(len(moments) - 1, 1):.1%}">layer {before}</li>'


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
