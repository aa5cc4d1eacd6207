"""``fflib claims``: the scorecard."""

from typing import Annotated

from typer import Option, echo

from fflib.cli.output import print_json, print_table

EXAMPLES = """
Each claim is judged by a criterion that was fixed before the runs. The estimate is the mean over
training runs of the quantity in the criterion, with an interval of 95 % confidence for all claims
that are judged together: those of the paper, and those of each check and open question.

\b
Examples:
  fflib claims
  fflib claims --json | python -m json.tool
"""


def claims(
    as_json: Annotated[
        bool, Option("--json", help="Print a list of objects, one per claim.")
    ] = False,
) -> None:
    """Judge the claims of the paper, then ours on its checks and questions, by what is published."""
    from fflib.records import stores
    from fflib.study.claims import CHECKS, CLAIMS, QUESTIONS
    from fflib.study.evidence import on_record

    verdicts = on_record([*CLAIMS, *CHECKS, *QUESTIONS], stores.PUBLISHED)
    if as_json:
        print_json([verdict.as_dict() for verdict in verdicts])
        return
    rows = []
    for v in verdicts:
        i = v.interval
        estimate = (f"{i.mean:.3f}", f"[{i.low:.3f}, {i.high:.3f}]") if v.cells else ("-", "-")
        rows.append([v.claim.id, v.verdict, *estimate, i.n, v.claim.chapter])
    print_table(["claim", "verdict", "estimate", "interval", "runs", "chapter"], rows)
    for v in verdicts:
        echo(f"\n{v.claim.id}: {v.claim.statement}\n  {v.claim.criterion}.\n  {v.why}")
