"""``fflib claims``: the scorecard."""

from typing import Annotated

from typer import Option, echo

from fflib.cli.output import print_json, print_table

EXAMPLES = """
Each claim is judged by a criterion that was fixed before the runs, in every cell (a data set under a
protocol, or a layer there), and against its rivals. It holds if it does in every cell, fails if it
surely fails in one and holds in none, is mixed if it holds in some and fails in others, and is open
otherwise. Intervals have 95 % confidence for all claims that are judged together: those of the paper,
and those of each check and open question. The JSON has every cell and rival.

\b
Examples:
  fflib claims
  fflib claims --json | python -m json.tool
"""

COLUMNS = [
    "claim",
    "verdict",
    "cells",
    "does back-propagation do it too?",
    "is it the label?",
    "first edition",
]


def claims(
    as_json: Annotated[
        bool, Option("--json", help="Print a list of objects, one per claim.")
    ] = False,
) -> None:
    """Judge the claims of the paper, then ours on its checks and questions, by what is published."""
    from fflib.records import stores
    from fflib.study.claims import CHECKS, CLAIMS, QUESTIONS
    from fflib.study.claims.verdicts import in_first_words
    from fflib.study.evidence import first_edition, on_record

    verdicts = on_record([*CLAIMS, *CHECKS, *QUESTIONS], stores.PUBLISHED)
    first = first_edition(stores.PUBLISHED)
    before = {v.claim.id: first[v.claim.first] for v in verdicts if v.claim.first}
    words = {name: in_first_words(found) for name, found in before.items()}
    if as_json:
        old = {
            name: {"id": v.claim.id, "verdict": words[name], "criterion": v.claim.criterion}
            for name, v in before.items()
        }
        print_json([v.as_dict() | {"first_edition": old.get(v.claim.id)} for v in verdicts])
        return
    rows = []
    for v in verdicts:
        also = (v.back_propagation_too or "-", v.label_alone or "-")
        rows.append([v.claim.id, v.verdict, len(v.cells), *also, words.get(v.claim.id, "-")])
    print_table(COLUMNS, rows)
    for v in verdicts:
        echo(f"\n{v.claim.id}: {v.sentence}\n  {v.claim.criterion}.")
