"""Tables of verdicts: what was claimed, by which criterion, and what came out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from IPython.display import Markdown

from fflib import wording
from fflib.study.analyses.learning_rates import ANSWERS
from fflib.study.analyses.matched_accuracy import Matched
from fflib.study.claims import Claim, Verdict
from fflib.study.claims.judging import WORDS
from fflib.wording import minus

__all__ = ["answers", "criterion", "digest", "in_brief", "matched_answers", "scorecard"]

IN_PLAIN_WORDS = ("Yes", "In part", "No", "Not settled")
"""Verdicts in the order of :data:`fflib.study.claims.judging.WORDS`."""


def criterion(claim: Claim) -> Markdown:
    """Write out a claim's criterion as it was fixed beforehand."""
    side = "above" if claim.above else "below"
    yes, partly, no, unclear = WORDS[claim.by]
    test = " and the test excludes chance" if claim.test else ""
    return Markdown(
        f"- **One number per run:** {claim.quantity}.\n"
        f"- **Statistic** in a cell (a data set under a protocol): {claim.statistic}. The interval "
        f"has 95 % confidence for all {claim.together} claims that are judged together.\n"
        f"- **Holds** in a cell if the interval lies {side} **{minus(f'{claim.bound:g}')}**{test}, **fails** "
        "if it lies on the other side, and is **open** otherwise.\n"
        f"- **{yes.capitalize()}** if it holds in every cell, **{no}** if it fails in every cell, "
        f"**{partly}** if it holds in some, **{unclear}** otherwise."
    )


def scorecard(verdicts: Iterable[Verdict]) -> Markdown:
    """Tabulate the scorecard, a row per claim, linked to the chapters.

    The verdict stands beside the claim, so that a narrow screen shows both.
    """
    rows = []
    for verdict in verdicts:
        claim, interval = verdict.claim, verdict.interval
        ours = f"**{interval:.3f}**, n = {interval.n}" if interval.n else "no runs yet"
        rows.append(
            (
                f"[**{claim.title}**]({claim.chapter}.ipynb): {claim.statement}",
                f"**{verdict.verdict}**: {verdict.why}",
                minus(f"{claim.label}: {ours}; {_wanted(claim)}"),
                claim.source,
            )
        )
    return _table(("claim", "verdict", "ours", "what the paper reports"), rows)


def answers(verdicts: Iterable[Verdict]) -> Markdown:
    """Tabulate the claims of one chapter, cell by cell, with their verdicts."""
    rows = []
    for verdict in verdicts:
        claim = verdict.claim
        cells = "<br>".join(
            f"{wording.dataset_name(cell.dataset)}: {minus(f'{cell.interval:.3f}')}, "
            f"n = {cell.interval.n}, {cell.answer}"
            for cell in verdict.cells
        )
        rows.append(
            (
                f"**{claim.title}.** {claim.statement}",
                f"{minus(f'{claim.label}; {_wanted(claim)}')}<br>{cells or 'no runs yet'}",
                f"**{verdict.verdict}**",
            )
        )
    return _table(("claim", "in each cell: mean over runs, interval, n", "verdict"), rows)


def digest(groups: Mapping[str, Iterable[Verdict]]) -> Markdown:
    """Tabulate all claims on a page, a line for each, linked to the chapters.

    Groups say what the claims have in common, such as where they come from. The columns are group,
    claim, quantity, bound, mean over all runs of all cells with its interval, number of runs, and
    verdict.
    """
    rows = []
    for group, verdicts in groups.items():
        for number, verdict in enumerate(verdicts):
            claim, interval = verdict.claim, verdict.interval
            rows.append(
                (
                    "" if number else group,
                    f"[{claim.title}]({claim.chapter}.ipynb)",
                    claim.label,
                    minus(f"{'>' if claim.above else '<'} {claim.bound:g}"),
                    minus(f"{interval:.3f}") if interval.n else "no runs yet",
                    str(interval.n),
                    f"**{verdict.verdict}**",
                )
            )
    return _table(("", "claim", "quantity", "holds if", "estimate, interval", "n", "verdict"), rows)


def in_brief(verdicts: Iterable[Verdict]) -> Markdown:
    """List the verdicts for readers who do not know what an interval is.

    Each statement is linked to its chapter, with whether it is true and the number of cells that
    say so. A cell is called a setting.
    """
    return Markdown(
        "\n".join(
            f"- [{v.claim.statement.removesuffix('.')}]({v.claim.chapter}.ipynb)? {_plainly(v)}"
            for v in verdicts
        )
    )


def matched_answers(comparisons: Iterable[Matched]) -> Markdown:
    """List what the comparisons at matched accuracy come to, a line for each."""
    return Markdown(
        "\n".join(
            f"- {wording.dataset_name(found.dataset)}, {wording.model_name(found.model)} against "
            f"{wording.model_name(found.control)}: the difference **{ANSWERS[found.answer]}**. {found.why}"
            for found in comparisons
        )
    )


def _plainly(verdict: Verdict) -> str:
    word = IN_PLAIN_WORDS[WORDS[verdict.claim.by].index(verdict.verdict)]
    found = Counter(cell.answer for cell in verdict.cells)
    if not found:
        return f"**{word}**: nothing was trained for it yet."
    said = {"yes": found["holds"], "no": found["fails"], "unclear": found["open"]}
    where = ", ".join(f"{answer} in {count}" for answer, count in said.items() if count)
    alike = len(found) == 1 and not found["open"]
    where = f"in {len(verdict.cells)}" if alike else where
    return f"**{word}**: {where} of {len(verdict.cells)} settings."


def _wanted(claim: Claim) -> str:
    return f"holds {'above' if claim.above else 'below'} {claim.bound:g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    lines = [header, ["---"] * len(header), *rows]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
