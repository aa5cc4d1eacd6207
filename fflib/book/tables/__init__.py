"""Tables of the book that are made from verdicts and records."""

from fflib.book.tables.runs import (
    by_label,
    checksums,
    machines,
    mantel_tests,
    provenance,
    readout,
    shown,
)
from fflib.book.tables.verdicts import (
    answer,
    answers,
    changes,
    criterion,
    digest,
    in_brief,
    matched_answers,
    places,
    scorecard,
)

__all__ = [
    "answer", "answers", "by_label", "changes", "checksums", "criterion", "digest", "in_brief", "machines",
    "mantel_tests", "matched_answers", "places", "provenance", "readout", "scorecard", "shown",
]  # fmt: skip
