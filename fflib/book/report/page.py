"""The page with the verdicts on the claims of the paper for a folder of images."""

import warnings
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import matplotlib as mpl

from fflib import wording
from fflib.book.explorers.drivers import find
from fflib.book.explorers.ensembles import OnFile, explore_ensembles
from fflib.book.figures import style
from fflib.book.report import sections
from fflib.book.report.html import frame
from fflib.book.tables import provenance
from fflib.data import Dataset
from fflib.errors import DataError, TrainingError
from fflib.experiment import Experiment
from fflib.records.files import write_whole
from fflib.records.stores import Record
from fflib.study.claims import Verdict, scorecard
from fflib.study.evidence import where

__all__ = ["page_folder", "render", "require_own", "write"]

PAGE = "index.html"
GENERATOR = '<meta name="generator" content="fflib verdict">'


def page_folder(images: Path, output: Path | None) -> Path:
    """Return the folder for the page on a folder of images, which must not be among these.

    That is `output`, or else ``verdict`` in the working directory, or beside the images where the
    working directory is among them. :class:`fflib.errors.DataError` is raised if the page cannot go
    there.
    """
    images = images.expanduser().resolve()
    if output is None:
        output = Path("verdict")
        if output.resolve().is_relative_to(images):
            output = images.with_name(f"{images.name}-verdict")
    if output.resolve().is_relative_to(images):
        raise DataError(f"{output} would be taken for a class of {images}: choose another folder")
    require_own(output)
    return output


def require_own(folder: Path) -> None:
    """Refuse, with ``DataError``, an output that is a file or holds anything but an earlier page."""
    if folder.is_dir():
        others = [path for path in folder.iterdir() if path.name != PAGE]
        earlier = folder / PAGE
        ours = (
            not earlier.exists()
            or GENERATOR in earlier.read_text(encoding="utf-8", errors="replace")[:1000]
        )
        if not others and ours:
            return
    elif not folder.exists():
        return
    raise DataError(f"{folder} holds something else than a page of verdicts: choose another folder")


def write(
    records: Sequence[Record],
    output: str | Path,
    *,
    command: str = "fflib.book.report.write",
    **options: Any,
) -> Path:
    """Write the page of :func:`render`, which explains the options, and return its path.

    It is ``index.html`` in a folder that is not there yet, is empty, or holds an earlier page; otherwise
    :class:`fflib.errors.DataError` is raised.
    """
    output = Path(output)
    require_own(output)
    return write_whole(output / PAGE, render(records, command=command, **options).encode())


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
    what the page says it was made by. Where no training with all classes succeeded, the page says
    why, and shows no networks. :class:`fflib.errors.TrainingError` is raised if none was tried.
    """
    failures = failures or {}
    tried = [r.experiment for r in records] + list(failures)
    if not tried:
        raise TrainingError(
            "a page needs training runs, got none: train those of report.experiments"
        )
    full = where(records, hold_out=None, untrained=False)
    data, name = tried[0].data(), wording.dataset_name(tried[0].dataset)
    verdicts = scorecard(records)
    parts = {
        "style": text("page.css"),
        "name": escape(name),
        "summary": escape(sections.summary(name, data, records, verdicts)),
        "failures": sections.failures(failures, records, data.classes),
        "verdicts": sections.verdicts(verdicts, records, data),
        "reading": escape(sections.reading(verdicts)),
        "classes": sections.classes(data),
        "networks": _networks(verdicts, records, full, data, on_file) if full else "",
        "criteria": sections.criteria(verdicts),
        "caveats": "\n".join(f"<li>{escape(said)}</li>" for said in sections.caveats(data, full)),
        "command": escape(command),
        "versions": escape(sections.versions(records[0])) if records else "",
        "settings": frame("Settings and where each comes from", sections.settings(tried)),
        "records": frame("Records", provenance(records)),
        "runs": str(len(records)),
    }
    return Template(text("page.html")).substitute(parts)


def _networks(
    verdicts: Sequence[Verdict],
    records: Sequence[Record],
    full: Sequence[Record],
    data: Dataset,
    on_file: OnFile,
) -> str:
    """Render what is shown of the networks: figures, their accuracy, and the explorer."""
    with mpl.rc_context(), warnings.catch_warnings():
        style.use()
        # Names are text for the reader's fonts, which know scripts that those of matplotlib lack.
        mpl.rcParams["svg.fonttype"] = "none"
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figures = sections.figures(verdicts, records, full, data)
    shown = {"accuracy": sections.models(full), "explorer": explore_ensembles(full, on_file).data}
    return Template(text("networks.html")).substitute(figures | shown)


def text(name: str) -> str:
    """Return the text of a file that lies beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
