"""The first edition's verdicts: what its criteria came to, in its own words.

They are history, kept beside the second edition's. In the first edition a claim was *reproduced* if it
held in every cell, *not reproduced* if it failed in every cell, *partly* reproduced if it held in some,
and *not decidable* otherwise, even where it surely failed in some cells. Nothing was asked of rivals
but what the quantity itself says.
"""

from dataclasses import dataclass

from fflib.study.claims.verdicts import Verdict

__all__ = ["First", "in_first_words"]


@dataclass(frozen=True)
class First:
    """A claim of the first edition with what it came to.

    Parameters
    ----------
    verdict : Verdict
        The claim and its cells.
    word : str
        The first edition's verdict.
    """

    verdict: Verdict
    word: str

    def as_dict(self) -> dict[str, str]:
        """Return it as plain data, for ``fflib claims --json``."""
        claim = self.verdict.claim
        return {"id": claim.id, "verdict": self.word, "criterion": claim.criterion}


def in_first_words(verdict: Verdict) -> str:
    """Return the first edition's word for what the cells of a claim say.

    Examples
    --------
    >>> from fflib.study.claims import FIRST, judge
    >>> in_first_words(judge(FIRST[0], []))
    'not decidable'
    """
    answers = {cell.answer for cell in verdict.cells}
    if answers == {"holds"}:
        return "reproduced"
    if answers == {"fails"}:
        return "not reproduced"
    return "partly" if "holds" in answers else "not decidable"
