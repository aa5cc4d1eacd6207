"""A slider along training that works on a static page: plain HTML, and a script without libraries."""

import base64
import json
from collections.abc import Sequence
from html import escape
from string import Template

import numpy as np
from IPython.display import HTML

from fflib.plots.development import LEAVING, MEMBER, NOT_YET, membership
from fflib.records import Record

__all__ = ["player"]

PAGE = Template("""
<style>
#$id {background: #fff; color: #222; padding: .6em; border: 1px solid #ccc; max-width: 46em}
#$id .layer {display: flex; align-items: stretch; margin: .2em 0 .6em}
#$id ol {list-style: none; margin: 0; padding: 0; width: 6em; font-size: 9px; text-align: right}
#$id li {height: 11px; line-height: 11px; padding-right: .5em; margin: 0; white-space: nowrap}
#$id canvas {flex: 1; min-width: 0; height: ${height}px; image-rendering: pixelated;
  border: 1px solid #ccc; box-sizing: content-box; margin: -1px}
#$id p {margin: .2em 0}
#$id .controls {display: flex; gap: .6em; align-items: center}
#$id input {flex: 1}
#$id i {display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .8em}
@media print {#$id {display: none}}
</style>
<noscript><p>The slider needs JavaScript. The figure below shows moments of it.</p></noscript>
<div id="$id" hidden>
<p class="controls"><button type="button">Play</button>
<label for="$id-at">Moment</label>
<input id="$id-at" type="range" min="0" max="$last" value="0" step="1"></p>
<p class="said" aria-live="polite"></p>
$layers
<p><i style="background:$member"></i>member now and at the end
<i style="background:$leaving"></i>member now, not at the end
<i style="background:$not_yet"></i>member at the end only</p>
</div>
<script>
(() => {
  const data = $data;
  const root = document.getElementById("$id");
  const slider = root.querySelector("input"), button = root.querySelector("button");
  const said = root.querySelector(".said"), canvases = [...root.querySelectorAll("canvas")];
  const bits = Uint8Array.from(atob(data.members), (c) => c.charCodeAt(0));
  const row = Math.ceil(data.units / 8), layer = row * data.classes;
  const member = (moment, depth, label, unit) =>
    (bits[(moment * canvases.length + depth) * layer + label * row + (unit >> 3)]
      >> (7 - (unit & 7))) & 1;
  const colours = [[255, 255, 255], ...data.colours];
  const draw = () => {
    const moment = +slider.value, last = data.said.length - 1;
    canvases.forEach((canvas, depth) => {
      const context = canvas.getContext("2d");
      const image = context.createImageData(data.units, data.classes);
      for (let label = 0, at = 0; label < data.classes; label++)
        for (let unit = 0; unit < data.units; unit++, at += 4) {
          const kind = 2 * member(moment, depth, label, unit) + member(last, depth, label, unit);
          image.data.set([...colours[kind], 255], at);
        }
      context.putImageData(image, 0, 0);
    });
    said.textContent = data.said[moment];
    slider.setAttribute("aria-valuetext", data.said[moment]);
  };
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    button.textContent = "Stop";
    timer = setInterval(() => {
      if (slider.value === slider.max) return stop();
      slider.value = +slider.value + 1;
      draw();
    }, 400);
  });
  slider.addEventListener("input", () => { stop(); draw(); });
  root.hidden = false;
  draw();
})();
</script>
""")

LAYER = Template("""<p>Layer $depth</p><div class="layer"><ol>$names</ol>
<canvas width="$units" height="$classes" role="img"
 aria-label="Membership of the units of layer $depth in the ensemble of each class"></canvas></div>""")

PIXELS = 11  # of the page, for the row of a class


def player(record: Record, names: Sequence[str], units: int = 196) -> HTML:
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
    packed = np.packbits(members, axis=-1)
    key = f"along-{record.experiment.key}"
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    layers = [
        LAYER.substitute(depth=d, names=items, units=shown.shape[1], classes=len(names))
        for d in range(1, len(shown) + 1)
    ]
    data = {
        "units": shown.shape[1],
        "classes": len(names),
        "colours": [_rgb(colour) for colour in (NOT_YET, LEAVING, MEMBER)],
        "said": _captions(record),
        "members": base64.b64encode(packed.tobytes()).decode(),
    }
    return HTML(
        PAGE.substitute(
            id=key,
            last=len(members) - 1,
            height=PIXELS * len(names),
            layers="".join(layers),
            # A script ends at the first "</", wherever it stands.
            data=json.dumps(data).replace("</", "<\\/"),
            member=MEMBER,
            leaving=LEAVING,
            not_yet=NOT_YET,
        )
    )


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _captions(record: Record) -> list[str]:
    """What every moment is, and how far the ensembles are those of the end."""
    rows, layers = record.metrics.timeline or [], record.experiment.layers
    said = []
    for first in range(0, len(rows), layers):
        here = rows[first : first + layers]
        learns = here[0]["learns"]
        who = "All layers learn" if learns is None else f"Layer {learns} learns"
        same = ", ".join(
            "none" if row["identity"] is None else f"{row['identity']:.2f}" for row in here
        )
        said.append(
            f"{who}, step {here[0]['step']:,}: accuracy {here[0]['accuracy']:.3f}; "
            f"identity of ensembles with the end, by layer: {same}"
        )
    return said
