"""The book: every chapter is executed and the pages are built; the last good site stays until then.

``python -m fflib.book`` is what ``make book`` runs.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from fflib.book.commands import exit_code
from fflib.errors import ChapterError, unknown
from fflib.sweeps.cluster import cores

try:
    import yaml
    from jupyter_core.utils import ensure_event_loop
    from sphinx_external_toc.parsing import parse_toc_yaml

    from fflib.book.chapter import (
        TIMEOUT,
        check_sources,
        execute,
        parameters,
        with_defaults,
    )
    from fflib.book.install_cell import configured, update
    from fflib.book.kernels import ThisPython
    from fflib.book.parameters import meant
except ModuleNotFoundError as missing:
    MESSAGE = f"the book needs {missing.name}: run pip install -e '.[book]' in the clone"
    raise ImportError(MESSAGE) from None

__all__ = ["build", "chapters", "check_sources", "execute", "execute_all", "parameters"]

CHAPTERS = "chapters"
SITE = Path("_build", "html")
EXECUTED = Path("_build", "chapters")


def chapters(root: Path) -> dict[str, Path]:
    """Find the notebooks of the book in the folder of ``_toc.yml``, by name, in its order.

    Raises
    ------
    ChapterError
        Without a table of contents, or where it lists a page that is not there.
    """
    try:
        pages = parse_toc_yaml(root / "_toc.yml")
    except FileNotFoundError:
        raise ChapterError(f"no book in {root.resolve()}: it has no _toc.yml") from None
    notebooks = {}
    for page in pages:
        if (root / f"{page}.ipynb").exists():
            notebooks[Path(page).name] = root / f"{page}.ipynb"
        elif not (root / f"{page}.md").exists():
            raise ChapterError(f"_toc.yml lists {page}, but there is no such .ipynb or .md file")
    return notebooks


def execute_all(
    outputs: Mapping[Path, Path],
    values: Mapping[str, object] | None = None,
    *,
    jobs: int = 2,
    timeout: int = TIMEOUT,
) -> None:
    """Execute chapters side by side, `jobs` at a time, with a line for each when it is done.

    `outputs` has each chapter and where its executed form goes; `values` are parameters for every one
    of them; a cell may take `timeout` seconds.

    Raises
    ------
    ChapterError
        From the first chapter that fails, and the others are stopped; for a parameter that
        one of them does not have, or may not have, before any is executed.
    """
    for chapter in outputs:
        if values:
            with_defaults(chapter, values)
    with (
        _environment(max(1, cores() // min(jobs, len(outputs) or 1))),
        ThreadPoolExecutor(jobs) as pool,
    ):
        running = {
            pool.submit(_execute, chapter, output, values, timeout): chapter.stem
            for chapter, output in outputs.items()
        }
        try:
            for done in as_completed(running):
                _report(running[done], done.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            # A kernel may just be starting, so more than one attempt may be needed.
            while not all(future.done() for future in running):
                ThisPython.kill_all()
                time.sleep(0.1)


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    # Kernels inherit it. Where chapters share the cores, more threads than that wait for one another,
    # and training takes several times as long. Kernels run in the folder of the chapters, and paths
    # are those of this one.
    given = dict(os.environ)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    for name in ("FFLIB_STORE", "FFLIB_DATA"):
        if name in given:
            os.environ[name] = str(Path(given[name]).resolve())
    try:
        yield
    finally:
        for name in os.environ.keys() - given.keys():
            del os.environ[name]
        os.environ.update(given)


def _execute(
    chapter: Path, output: Path, values: Mapping[str, object] | None, timeout: int
) -> float:
    # Running a kernel opens an event loop for the thread, and nothing else closes it.
    with closing(ensure_event_loop()):
        return execute(chapter, output, values, timeout=timeout)


def _report(what: str, seconds: float) -> None:
    print(f"{what:<24}{seconds:8.1f} s", flush=True)


def build(root: Path, site: Path, *, jobs: int = 2, timeout: int = TIMEOUT) -> None:
    """Execute every chapter, build the pages and put them in the place of the last site.

    The folder `root` holds ``_config.yml``, ``_toc.yml``, ``references.bib``, ``CITATION.cff`` and the
    folder ``chapters``. What is at `site` stays as it is unless everything succeeds. So many chapters
    are executed at a time as `jobs` says, and a cell may take `timeout` seconds.

    Raises
    ------
    ChapterError
        If a chapter fails, the pages give a warning, or `site` holds something else.
    """
    start = time.perf_counter()
    site = site.resolve()
    foreign = site.exists() and not (site / "searchindex.js").exists()
    if foreign and (site.is_file() or any(site.iterdir())):
        raise ChapterError(f"{site} is something other than a site: choose another folder")
    notebooks = chapters(root).values()
    staging = site.with_name(f".{site.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        stage(root, staging)
        outputs = {path: staging / path.relative_to(root) for path in notebooks}
        execute_all(outputs, jobs=jobs, timeout=timeout)
        executed = time.perf_counter()
        build_pages(staging)
        _report("pages", time.perf_counter() - executed)
        _swap(staging / "_build" / "html", site)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _report("in all", time.perf_counter() - start)


def stage(root: Path, staging: Path) -> None:
    shutil.copytree(root / CHAPTERS, staging / CHAPTERS)
    for name in ("_toc.yml", "references.bib", "CITATION.cff"):
        shutil.copy(root / name, staging)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    (staging / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")


def build_pages(staging: Path) -> None:
    command = "from jupyter_book.cli.main import main; main()"
    arguments = ["build", str(staging), "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        log = re.sub(r"\x1b\[[\d;]*m", "", f"{done.stdout}\n{done.stderr}").strip()
        lines = log.replace(f"{staging}{os.sep}", "").splitlines()
        problems = [
            line for line in lines if re.search("WARNING|ERROR|rror:|^Message:|^Arguments:", line)
        ]
        print("\n".join(problems or lines[-20:]), file=sys.stderr)
        raise ChapterError("the pages were not built, for the reasons above")


def _swap(new: Path, site: Path) -> None:
    previous = site.with_name(f".{site.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    if site.exists():
        site.rename(previous)
    new.rename(site)
    shutil.rmtree(previous, ignore_errors=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fflib.book", description="Execute the chapters and build the book."
    )
    parser.add_argument(
        "--chapters", nargs="+", metavar="NAME", help="execute only these, and build no pages"
    )
    parser.add_argument(
        *("-p", "--parameter"),
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter of the --chapters, its value as YAML, such as -p seeds '[0, 1]'",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"where the site goes ({SITE}), or with --chapters the notebooks ({EXECUTED})",
    )
    parser.add_argument("--jobs", type=int, default=2, help="chapters at a time (2)")
    parser.add_argument(
        "--timeout", type=int, default=TIMEOUT, help=f"seconds that a cell may take ({TIMEOUT})"
    )
    parser.add_argument(
        "--check", action="store_true", help="only look whether the sources are clean"
    )
    parser.add_argument(
        "--install-cells",
        action="store_true",
        help="only write the cell that installs fflib into every chapter, from repository.url",
    )
    arguments = parser.parse_args(argv)
    if arguments.parameter and not arguments.chapters:
        parser.error("-p needs --chapters: the site shows the chapters' own parameters")
    if arguments.jobs < 1:
        parser.error(f"--jobs must be at least 1, not {arguments.jobs}")
    return arguments


def _check(root: Path) -> None:
    problems = check_sources(root / CHAPTERS)
    problems += [
        f"{path.relative_to(root / CHAPTERS)}: its install cell is missing or another: run "
        "python -m fflib.book --install-cells"
        for path in update(root / CHAPTERS, configured(root), write=False)
    ]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        raise ChapterError("the chapters are not clean: clear their outputs, correct the rest")


def _execute_some(root: Path, arguments: argparse.Namespace) -> str:
    known = chapters(root)
    output = arguments.output or EXECUTED
    values = {name: meant(name, value) for name, value in arguments.parameter}
    outputs = {}
    for name in arguments.chapters:
        stem = Path(name).name.removesuffix(".ipynb")
        if stem not in known:
            raise ChapterError(unknown("chapter", name, known))
        outputs[known[stem]] = output / known[stem].name
    execute_all(outputs, values, jobs=arguments.jobs, timeout=arguments.timeout)
    return f"The executed chapters are in {output}"


def _run(arguments: argparse.Namespace) -> str:
    root = Path()
    if arguments.check:
        _check(root)
        return ""
    if arguments.install_cells:
        return "\n".join(f"{path}: written" for path in update(root / CHAPTERS, configured(root)))
    if arguments.chapters:
        return _execute_some(root, arguments)
    site = arguments.output or SITE
    build(root, site, jobs=arguments.jobs, timeout=arguments.timeout)
    return f"The book is in {site}: {(site / 'index.html').resolve().as_uri()}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m fflib.book`` in the folder of the book; return 0, or 1 if anything failed."""
    arguments = _arguments(argv)
    try:
        return exit_code(partial(_run, arguments))
    except KeyboardInterrupt:
        print("interrupted: the last good site is as it was", file=sys.stderr)
        return 1
