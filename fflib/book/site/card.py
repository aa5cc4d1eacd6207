"""The picture of the book in link previews, drawn from the published records when pages are built."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config

from fflib import wording

__all__ = ["draw", "setup"]

IMAGE = "_static/card.png"
DATASET, LAYER = "mnist", 0


def draw(path: Path, title: str) -> None:
    """Draw the picture.

    Parameters
    ----------
    path : Path
        A PNG; what is there is replaced.
    title : str
        Of the book.

    Raises
    ------
    MissingRecord
        If the run that it shows is in no store.
    """
    # Only a build that draws it has to wait for these.
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from fflib.book.figures import card, style
    from fflib.data import class_names
    from fflib.experiment import Experiment
    from fflib.records.stores import find

    means = find(Experiment(dataset=DATASET)).arrays["mean"][LAYER].astype(float)
    name = wording.dataset_name(DATASET)
    said = f"Forward-Forward on {name}, layer {LAYER + 1}: units across, classes down"
    with mpl.rc_context():
        style.use()
        figure = card.card(means, class_names(DATASET), title, said)
        figure.savefig(path, dpi=figure.dpi, metadata={"Software": None})
        plt.close(figure)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the extension.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    dict
        That files may be read and written side by side.
    """
    app.connect("build-finished", _draw)
    app.connect("config-inited", _announce)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _announce(app: Sphinx, config: Config) -> None:
    config.meta_image = IMAGE
    config.meta_image_alt = (
        "A staircase of bright cells: each class activates units of its own, and most stay silent."
    )


def _draw(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and isinstance(app.builder, StandaloneHTMLBuilder):
        draw(Path(app.outdir, IMAGE), str(app.config.html_title or app.config.project))
