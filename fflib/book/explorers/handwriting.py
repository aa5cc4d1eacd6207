"""The panel to draw a digit in: a Forward-Forward network that runs on the page itself."""

from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from numpy.typing import NDArray

from fflib import wording
from fflib.book.explorers.page import bits, encoded, panel
from fflib.book.explorers.quantised import Quantised

__all__ = ["by_preference", "explore_handwriting", "handwriting_table"]


def explore_handwriting(kept: Quantised) -> HTML:
    """Build a panel in which a reader draws a digit, and lights this or that label on its border.

    It tries every label, shows the goodness of each layer as bars and the activation of each unit,
    and says whose ensemble the active units are most like. The network runs in the reader's
    browser. A drawing becomes an image as digits became those of MNIST: the ink is brought to a box
    of 20 pixels, which is placed in a field of 28 by the centre of its mass. Three layers of 300
    units come to about 600 kB.

    References
    ----------
    The description of MNIST by LeCun, Cortes and Burges for the box and the centre of mass.
    """
    data: dict[str, Any] = {
        **kept.pixels,
        "classes": len(kept.images),
        "units": kept.experiment.hidden,
        "theta": kept.experiment.theta,
        "usual": max(kept.measured["own"]),  # where bars end
        "images": encoded(kept.images),
        "numbers": kept.numbers.tolist(),
        "layers": [
            {
                "weights": encoded(kept.weights[depth]),
                "scales": encoded(kept.scales[depth]),
                "biases": encoded(kept.biases[depth]),
                "members": bits(kept.ensembles[depth]),
                "groups": by_preference(mean, members),
                "usual": float(mean[members].mean()),  # where squares are brightest
            }
            for depth, (mean, members) in enumerate(
                zip(np.nan_to_num(kept.mean), kept.ensembles, strict=True)
            )
        ],
        "said": _said(kept),
    }
    return panel(
        "handwriting",
        "all",
        data,
        label="Draw a digit",
        scripts=("plain.js",),
        table=handwriting_table(kept),
        caption=(
            "As a table: what the network answers to the test images, and their goodness in each layer "
            "under their own label (and the largest under a wrong one)"
        ),
    )


def _said(kept: Quantised) -> str:
    e = kept.experiment
    return (
        f"One network of {e.layers} layers of {e.hidden} units: {wording.model_name(e.model)} on "
        f"{wording.dataset_name(e.dataset)}, {wording.protocol_name(e.protocol)}, seed {e.seed}; "
        f"weights of 8 bits; experiment {e.key}."
    )


def by_preference(mean: NDArray[np.floating], members: NDArray[np.bool_]) -> list[list[int]]:
    """List the units of any ensemble under the class that each prefers, the most active first.

    Mean activations and membership have shape (class, unit).

    Examples
    --------
    >>> mean = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]])
    >>> by_preference(mean, mean > 0.5)
    [[2, 0], [1]]
    """
    order = [
        unit for unit in np.argsort(-mean.max(axis=0), kind="stable") if members[:, unit].any()
    ]
    preferred = mean.argmax(axis=0)
    return [[int(unit) for unit in order if preferred[unit] == c] for c in range(len(mean))]


def handwriting_table(kept: Quantised) -> pd.DataFrame:
    """Tabulate what the network makes of the images it comes with, a row for each.

    A column per layer holds the goodness under the image's own label and, in brackets, the largest
    under a wrong one.
    """
    goodness = kept.network.layer_scores(kept.standardise(kept.images))  # (image, layer, label)
    answers = kept.network.choose(goodness).tolist()
    rows = {}
    for digit, (of_image, answer) in enumerate(zip(goodness.numpy(), answers, strict=True)):
        wrong = np.delete(of_image, digit, axis=1).max(axis=1)
        cells = [
            f"{own:.1f} ({other:.1f})" for own, other in zip(of_image[:, digit], wrong, strict=True)
        ]
        rows[digit] = [answer, *cells]
    columns = ["answer", *wording.layer_names(kept.experiment.layers)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("digit")
