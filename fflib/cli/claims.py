"""``fflib claims``: the scorecard."""

from typing import Annotated

import typer

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
        bool, typer.Option("--json", help="Print a list of objects, one per claim.")
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
    print_table(
        ["claim", "verdict", "estimate", "interval", "runs", "chapter"],
        [
            [
                v.claim.id,
                v.verdict,
                f"{v.interval.mean:.3f}" if v.cells else "-",
                f"[{v.interval.low:.3f}, {v.interval.high:.3f}]" if v.cells else "-",
                v.interval.n,
                v.claim.chapter,
            ]
            for v in verdicts
        ],
    )
    for v in verdicts:
        typer.echo(f"\n{v.claim.id}: {v.claim.statement}\n  {v.claim.criterion}.\n  {v.why}")
