"""Tables of verdicts: what was claimed, by which criterion, and what came out."""

from collections.abc import Iterable, Mapping, Sequence

from IPython.display import Markdown

from fflib import wording
from fflib.study.analyses.learning_rates import ANSWERS
from fflib.study.analyses.matched_accuracy import Matched
from fflib.study.claims import Claim, Verdict
from fflib.study.claims.verdicts import WORDS, Cell, in_first_words
from fflib.wording import in_markdown, minus

__all__ = [
    "answer",
    "answers",
    "changes",
    "criterion",
    "digest",
    "in_brief",
    "matched_answers",
    "places",
    "scorecard",
]


def criterion(claim: Claim) -> Markdown:
    """Write out a claim's criterion as it was fixed beforehand."""
    side, layer = claim.side, ", or a layer there" if claim.by_layer else ""
    one = "held-out class" if claim.unit == "class" else "run"
    names = [*claim.rivals, *(["chance"] if claim.chance else [])]
    rivals = ", ".join(map(wording.rival_name, names))
    beaten = " and ".join(map(wording.rival_name, claim.beats))
    test = " and the test excludes chance" if claim.test else ""
    beyond = f" and it lies {side} that of {beaten}, surely" if beaten else ""
    shared = "claims, cells and rivals" if claim.by_cell else "claims"
    lines = [
        f"**One number per {one}:** {claim.quantity}.",
        f"**Statistic** in a cell (a data set under a protocol{layer}): {claim.statistic}. Intervals have "
        f"95 % confidence over all {shared} that are judged together, {claim.together} claims here.",
        f"**Rivals**, measured in the same way: {rivals}." if names else "",
        f"**Holds** in a cell if the interval lies {side} **{minus(f'{claim.bound:g}')}**{test}{beyond}; "
        "**fails** if one of these is surely not so, and is **open** otherwise.",
        "**Verdict:** *holds* if it holds in every cell, *fails* if it fails in some and holds in none, "
        "*mixed* if it holds in some and fails in others, *open* otherwise.",
    ]
    return Markdown("\n".join(f"- {line}" for line in lines if line))


def answer(verdicts: Iterable[Verdict]) -> Markdown:
    """Say what claims have come to, in two sentences at most, with a link to each chapter."""
    found: dict[str, list[str]] = {}
    for v in verdicts:
        link = f"[{v.claim.title.lower()}]({v.claim.chapter}.ipynb)"
        found.setdefault(v.verdict, []).append(f"{link}{_remark(v)}")
    does = {
        "holds": ("holds", "hold", " throughout"),
        "fails": ("fails", "fail", ""),
        "mixed": ("holds", "hold", " in part"),
        "open": ("is", "are", " open"),
    }
    parts = {
        word: f"{len(titles)} {does[word][len(titles) > 1]}{does[word][2]}: {', '.join(titles)}"
        for word in does
        if (titles := found.get(word))
    }
    pairs = (("holds", "fails"), ("mixed", "open"))
    sentences = ["; ".join(parts[word] for word in pair if word in parts) for pair in pairs]
    n = sum(map(len, found.values()))
    return Markdown(f"Of {n} claims, {'. '.join(filter(None, sentences))}." if n else "")


def _remark(verdict: Verdict) -> str:
    """Say where a mixed claim holds, and who else does what one that holds is about."""
    if verdict.verdict == "mixed":
        return f" ({verdict.where})"
    return f" ({verdict.too})" if verdict.verdict == "holds" and verdict.too else ""


def scorecard(verdicts: Iterable[Verdict]) -> Markdown:
    """Tabulate the scorecard, a row per claim, linked to the chapters.

    The verdict stands beside the claim, so that a narrow screen shows both; then come the rivals and
    the estimates over the cells.
    """
    asked = ("does back-propagation do it too?", "is it the label?")
    rows = (
        (
            f"[**{v.claim.title}**]({v.claim.chapter}.ipynb): {v.claim.statement}",
            f"**{v.verdict}**: {in_markdown(v.why)}",
            v.back_propagation_too or "–",
            v.label_alone or "–",
            minus(f"{v.claim.label}: {v.estimates or 'no runs yet'}; {_wanted(v.claim)}"),
        )
        for v in verdicts
    )
    return _table(("claim", "verdict", *asked, "ours, over the cells"), rows)


def changes(verdicts: Iterable[Verdict], first: Mapping[str, Verdict]) -> Markdown:
    """Tabulate what the second edition changed: both criteria, the fault, and both verdicts."""
    rows = []
    for v in verdicts:
        before = first.get(v.claim.first or "")
        rows.append(
            (
                f"[**{v.claim.title}**]({v.claim.chapter}.ipynb)",
                minus(f"{before.claim.criterion}.") if before else "–",
                v.claim.fault,
                minus(f"{v.claim.criterion}."),
                f"**{in_first_words(before) if before else 'not tested'}**",
                f"**{v.verdict}**: {in_markdown(v.why)}",
            )
        )
    header = (
        "claim",
        "first criterion",
        "its fault",
        "second criterion",
        "first verdict",
        "second verdict",
    )
    return _table(header, rows)


def places(claims: Iterable[Claim]) -> Markdown:
    """Tabulate where the paper makes each claim, and what it reports."""
    rows = ((f"[{c.title}]({c.chapter}.ipynb)", c.place, c.source) for c in claims)
    return _table(("claim", "where", "what the paper reports"), rows)


def answers(verdicts: Iterable[Verdict]) -> Markdown:
    """Tabulate the claims of one chapter, cell by cell, with their verdicts."""
    rows = []
    for verdict in verdicts:
        claim = verdict.claim
        cells = "<br>".join(
            f"{_place(cell)}: {minus(f'{cell.interval:.3f}')}, n = {cell.interval.n}, {cell.answer}"
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
    claim, quantity, bound, the least and the greatest estimate over the cells, the number of cells
    in which the claim holds and of all, verdict, and what back-propagation does.
    """
    rows = []
    for group, verdicts in groups.items():
        for number, verdict in enumerate(verdicts):
            claim, cells = verdict.claim, verdict.cells
            rows.append(
                (
                    "" if number else group,
                    f"[{claim.title}]({claim.chapter}.ipynb)",
                    claim.label,
                    minus(f"{'>' if claim.above else '<'} {claim.bound:g}"),
                    verdict.estimates or "no runs yet",
                    f"{sum(cell.answer == 'holds' for cell in cells)} of {len(cells)}"
                    if cells
                    else "",
                    f"**{verdict.verdict}**",
                    verdict.back_propagation_too or "–",
                )
            )
    ends = ("estimates over cells", "holds in", "verdict", "back-propagation too?")
    return _table(("", "claim", "quantity", "holds if", *ends), rows)


def in_brief(verdicts: Iterable[Verdict]) -> Markdown:
    """List the verdicts for readers who do not know what an interval is.

    Each statement is linked to its chapter, with whether it is true and where.
    """
    return Markdown(
        "\n".join(
            f"- [{v.claim.statement.removesuffix('.')}]({v.claim.chapter}.ipynb)? "
            f"**{WORDS[v.verdict].capitalize()}**: {_plainly(v)}"
            for v in verdicts
        )
    )


def matched_answers(comparisons: Iterable[Matched]) -> Markdown:
    """List what the comparisons at matched accuracy come to, a line for each."""
    return Markdown(
        "\n".join(
            f"- {in_markdown(wording.dataset_name(found.dataset))}, {wording.model_name(found.model)} against "
            f"{wording.model_name(found.control)}: the difference **{ANSWERS[found.answer]}**. {found.why}"
            for found in comparisons
        )
    )


def _plainly(verdict: Verdict) -> str:
    if not verdict.cells:
        return "nothing was trained for it yet."
    return in_markdown(f"{verdict.where}.{f' {verdict.too}.' if verdict.too else ''}")


def _place(cell: Cell) -> str:
    layer = f", layer {cell.layer}" if cell.layer else ""
    return f"{in_markdown(wording.dataset_name(cell.dataset))}{layer}"


def _wanted(claim: Claim) -> str:
    return f"holds {claim.side} {claim.bound:g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    lines = [header, ["---"] * len(header), *rows]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
