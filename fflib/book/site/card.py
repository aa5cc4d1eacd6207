"""The picture of the book in link previews, drawn from the published records when pages are built."""

from pathlib import Path

from sphinx.application import Sphinx

from fflib import wording
from fflib.book.site.pages import finished

__all__ = ["IMAGE"]

IMAGE = "_static/card.png"
DATASET, LAYER = "mnist", 0


def _draw(app: Sphinx, site: Path) -> None:
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
    title = str(app.config.html_title or app.config.project)
    with mpl.rc_context():
        style.use()
        figure = card.card(means, class_names(DATASET), title, said)
        figure.savefig(site / IMAGE, dpi=figure.dpi, metadata={"Software": None})
        plt.close(figure)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _draw)
