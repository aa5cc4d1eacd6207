"""Whether positive weights join ensembles of one class, tested finely enough for many tests at once."""

from dataclasses import asdict

from fflib.measures import ensembles
from fflib.measures.polarity import same_class_links
from fflib.records.schema import Found, Row, known
from fflib.statistics import permutations_needed
from fflib.training.run import Run

__all__ = ["linked"]

TESTS = 200  # that a table of runs and layers corrects for at most


def linked(run: Run) -> Found:
    """Test the links between ensembles of successive layers, as many tests at once need it.

    Rows ``about`` "links" have the fields of :class:`fflib.measures.polarity.SameClassLinks` for the
    weights into a ``layer``, counted from 1, and the number of ``permutations``. Ensembles are those of
    the median–quantile rule on correctly classified images. The metrics of every run have the same
    links with a p-value from 999 permutations, which does not survive the correction for fifty tests.
    """
    connections, shown = run.network.connections, run.activations(run.experiment.evaluate_on)
    members = ensembles.median_quantile(shown, classes=len(run.data.classes))
    permutations = permutations_needed(TESTS)
    rows: list[Row] = []
    for depth in range(1, len(connections)):
        links = same_class_links(
            connections[depth], *members[depth - 1 : depth + 1],
            permutations=permutations, seed=run.experiment.seed,
        )  # fmt: skip
        row: Row = {"about": "links", "layer": depth + 1, "permutations": permutations}
        rows.append(row | {name: known(x) for name, x in asdict(links).items()})
    return rows, {}
