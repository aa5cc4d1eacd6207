"""``fflib search``: choose hyper-parameters on validation data."""

from typing import Annotated

from typer import Option, echo

from fflib.cli.options import Into, Jobs
from fflib.cli.output import print_table, say_remarks

EXAMPLES = """
The candidates are written in fflib/study/plans/search.py; they learn from five sixths of the training set and
are compared on the last sixth. Candidates already on record are not trained again. The score is
the accuracy, or for ff that of the weakest layer if lower; seeds of a candidate are averaged.

\b
Examples:
  fflib search --protocol relu-l2 --model ff
  fflib search --short
  fflib search --protocol sigmoid-linf --model ff --dataset digits --into mine
"""


def search(
    protocol: Annotated[str, Option(help="relu-l2 or sigmoid-linf.")] = "relu-l2",
    model: Annotated[str, Option(help="ff, bp-ff or bp.")] = "ff",
    dataset: Annotated[str, Option(help="A data set by name, or a folder.")] = "mnist",
    short: Annotated[
        bool, Option("--short", help="Candidates for the shortest runs that do well.")
    ] = False,
    into: Into = None,
    jobs: Jobs = None,
) -> None:
    """Train the candidates of a protocol and model, and say which does best on validation data."""
    from fflib.records.stores import Store
    from fflib.study.plans.search import SEARCHES, axes, best, candidates, configuration, score
    from fflib.sweeps.sweep import sweep

    store = SEARCHES if into is None else Store(into)
    compared = candidates(protocol, model, dataset, short=short)
    say_remarks(compared)
    errors = {}
    for outcome in sweep(compared, store, jobs=jobs):
        echo(f"{outcome.experiment}: {'failed' if outcome.error else 'done'}", err=True)
        if outcome.error:
            errors[outcome.experiment] = outcome.error
    fields = axes(protocol, model, short=short)
    found = {e: store.load(e) for e in compared if e not in errors}
    winner = configuration(best(list(found.values())).experiment) if found else None
    rows = []
    for e in compared:
        reached = errors.get(e, ""), "", ""
        if e in found:
            mark = "best" if configuration(e) == winner else ""
            reached = f"{found[e].metrics.accuracy:.4f}", f"{score(found[e]):.4f}", mark
        rows.append([*(str(getattr(e, field)) for field in fields), *reached])
    print_table([*fields, "validation accuracy", "score", ""], rows)
