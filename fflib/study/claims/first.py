"""The first edition's verdicts: what its criteria came to, in its own words.

They are history, kept beside the second edition's. In the first edition a claim was *reproduced* if it
held in every cell, *not reproduced* if it failed in every cell, *partly* reproduced if it held in some,
and *not decidable* otherwise, even where it surely failed in some cells. Nothing was asked of rivals
but what the quantity itself says.
"""

from fflib.study.claims.verdicts import Verdict

__all__ = ["in_first_words"]


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
