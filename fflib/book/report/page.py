"""The page with the verdicts on the claims of the paper for a folder of images."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import matplotlib as mpl

from fflib import wording
from fflib.book.explorers.drivers import find
from fflib.book.explorers.ensembles import OnFile, explore_ensembles
from fflib.book.figures import style
from fflib.book.report import sections
from fflib.book.report.html import frame
from fflib.book.tables import provenance
from fflib.data import load
from fflib.errors import DataError, TrainingError
from fflib.experiment import Experiment
from fflib.records.files import write_whole
from fflib.records.stores import Record
from fflib.study.claims import scorecard
from fflib.study.evidence import where

__all__ = ["render", "require_own", "write"]

PAGE = "index.html"
GENERATOR = '<meta name="generator" content="fflib verdict">'


def require_own(folder: Path) -> None:
    """Refuse, with ``DataError``, an output that is a file or holds anything but an earlier page."""
    if folder.is_dir():
        others = [path for path in folder.iterdir() if path.name != PAGE]
        earlier = folder / PAGE
        ours = not earlier.exists() or GENERATOR in earlier.read_text(errors="replace")[:1000]
        if not others and ours:
            return
    elif not folder.exists():
        return
    raise DataError(f"{folder} holds something else than a page of verdicts: choose another folder")


def write(
    records: Sequence[Record],
    output: str | Path,
    *,
    failures: Mapping[Experiment, str] | None = None,
    on_file: OnFile = find,
    command: str = "fflib.book.report.write",
) -> Path:
    """Write the page of :func:`render` as ``index.html`` in a folder, and return its path.

    The folder is not there yet, is empty, or holds an earlier page; otherwise
    :class:`fflib.errors.DataError` is raised.
    """
    output = Path(output)
    require_own(output)
    content = render(records, failures=failures, on_file=on_file, command=command)
    return write_whole(output / PAGE, content.encode())


def render(
    records: Sequence[Record],
    *,
    failures: Mapping[Experiment, str] | None = None,
    on_file: OnFile = find,
    command: str = "fflib.book.report.render",
) -> str:
    """Render the verdicts on one data set as a self-contained page, in HTML.

    The records are of the runs of :func:`fflib.book.report.experiments`; failures are runs that
    have no record, and why. `on_file` gives the images that drive the ensembles of a run, as
    :func:`fflib.book.report.pictures` does; by default only those that are published. `command` is
    what the page says it was made by. :class:`fflib.errors.TrainingError` is raised if there is no
    run with all classes to show.
    """
    failures = failures or {}
    full = where(records, hold_out=None, untrained=False)
    if not full:
        reason = next(iter(failures.values()), "there is none")
        raise TrainingError(f"a page needs a run with all classes: {reason}")
    data = load(full[0].experiment.dataset)
    verdicts = scorecard(records)
    with mpl.rc_context():
        style.use()
        figures = sections.figures(verdicts, records, full, data)
    name = wording.dataset_name(full[0].experiment.dataset)
    parts = {
        "style": text("page.css"),
        "name": escape(name),
        "summary": escape(sections.summary(name, data, records, verdicts)),
        "failures": sections.failures(failures, data.classes),
        "verdicts": sections.verdicts(verdicts),
        "reading": escape(sections.reading(verdicts)),
        "classes": sections.classes(data),
        "accuracy": sections.models(full),
        "explorer": explore_ensembles(full, on_file).data,
        "criteria": sections.criteria(verdicts),
        "caveats": "\n".join(f"<li>{escape(said)}</li>" for said in sections.caveats(data, full)),
        "command": escape(command),
        "versions": escape(sections.versions(full[0])),
        "settings": frame("Settings and where each comes from", sections.settings(full)),
        "records": frame("Records", provenance(records)),
        "runs": str(len(records)),
        **figures,
    }
    return Template(text(PAGE_TEMPLATE)).substitute(parts)


PAGE_TEMPLATE = "page.html"


def text(name: str) -> str:
    """Return the text of a file that lies beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
