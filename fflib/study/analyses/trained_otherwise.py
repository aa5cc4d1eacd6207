"""The claims of the paper, judged by Forward-Forward networks that were trained in other ways.

Verdicts rest on networks at the best settings of a search that ends at twelve epochs of each layer. The
criteria and the rivals stay as they are here; only the networks that are judged are exchanged: for those of
more epochs, of the authors' own settings, and of the first preprint.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from fflib import wording
from fflib.records.stores import PUBLISHED, Record
from fflib.study.claims import CLAIMS, Claim, judge
from fflib.study.evidence import where
from fflib.study.plans.grids import planned

__all__ = ["AS_JUDGED", "changed", "in_the_place_of", "published", "verdicts_table"]

AS_JUDGED = "as judged"
"""The way of the networks that verdicts rest on, at the best settings of a search."""


def in_the_place_of(records: Iterable[Record], trained: Iterable[Record]) -> list[Record]:
    """Return records with other trained networks of Forward-Forward in the place of theirs.

    Rivals stay, untrained networks among them.

    Examples
    --------
    >>> in_the_place_of([], [])
    []
    """
    rivals = [r for r in records if r.experiment.model != "ff" or not r.experiment.epochs]
    return [*rivals, *trained]


def published() -> dict[str, list[Record]]:
    """Return the records of each way to train the networks that are judged, and those of their rivals.

    The first is :data:`AS_JUDGED`; the rivals of the first preprint's network have its protocol, and are the best
    of a search there.
    """
    judged, main = PUBLISHED.among(planned("rivals")), PUBLISHED.among(planned("main"))
    authors = where(PUBLISHED.among(planned("authors-full")), model="ff")
    longer = where(main, model="ff", protocol="relu-l2")
    return {
        AS_JUDGED: judged,
        "25 epochs": in_the_place_of(judged, longer),
        "the authors' settings": in_the_place_of(judged, authors),
        "the first preprint": PUBLISHED.among(planned("winner-takes-all")),
    }


def verdicts_table(
    ways: Mapping[str, Iterable[Record]], claims: Sequence[Claim] = CLAIMS
) -> pd.DataFrame:
    """Judge claims by networks that were trained in each of some ways.

    The table has a row for each claim that is about runs of the grid "rivals", by title, and a column for
    each way: the verdict and where it is so; nothing where no run bears on the claim.
    """
    found = {}
    for way, records in ways.items():
        runs = list(records)
        verdicts = [judge(claim, runs) for claim in claims if claim.grids == ("rivals",)]
        found[way] = {
            v.claim.title: ", ".join(filter(None, (v.verdict, v.where))) if v.cells else ""
            for v in verdicts
        }
    return pd.DataFrame(found).rename_axis("claim")


def changed(table: pd.DataFrame, ways: Sequence[str]) -> str:
    """Name the claims whose verdict, in a word, is another in one of some ways than as judged.

    Examples
    --------
    >>> table = pd.DataFrame({"as judged": ["holds, in every layer"], "longer": ["open"]}, ["Sparse"])
    >>> changed(table, ["longer"])
    '“Sparse”'
    """
    words = table.map(lambda verdict: verdict.partition(",")[0])
    other = [
        title
        for title, row in words.iterrows()
        if any(row[way] and row[way] != row[AS_JUDGED] for way in ways)
    ]
    return wording.listed(f"“{title}”" for title in other) if other else "none"
