"""One chapter of the book: its parameters, its execution through papermill, its source."""

import ast
import logging
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from fflib.book.kernels import ThisPython
from fflib.book.parameters import checked
from fflib.errors import ChapterError, unknown
from fflib.records.files import write_whole

TIMEOUT = 1200
"""Seconds that one cell may take."""

TAGS = {
    *("parameters", "full-width", "margin"),
    *(f"{verb}-{part}" for verb in ("hide", "remove") for part in ("input", "output", "cell")),
}
"""Cell tags that mean something here; any other is a slip of the pen."""

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp)/\w|\b[A-Z]:\\\w")


def parameters(chapter: Path) -> dict[str, object]:
    """Read the parameters of a chapter and their defaults, in the order of the cell so tagged.

    Raises
    ------
    ChapterError
        Without such a cell, or if it holds anything but ``name = literal``.
    """
    cells = _tagged(_read(chapter), "parameters")
    if not cells:
        raise ChapterError(f"{chapter.name} takes no parameters: no cell is tagged 'parameters'")
    try:
        return dict(_literals(cells[0].source))
    except (SyntaxError, ValueError):
        raise ChapterError(
            f"the parameters of {chapter.name} cannot be read: write one name = literal a line"
        ) from None


def with_defaults(chapter: Path, values: Mapping[str, object]) -> dict[str, object]:
    """Complete parameters by the chapter's defaults, so that the cell which sets them has all of them.

    Raises
    ------
    ChapterError
        If the chapter lacks one; the message lists those it has, the nearest first. Also for a value
        that breaks the rule of :mod:`fflib.book.parameters`.
    """
    defaults = parameters(chapter)
    for name in values:
        if name not in defaults:
            raise ChapterError(unknown(f"parameter of {chapter.name}", name, defaults))
    return defaults | checked(chapter.stem, values, defaults)


def execute(
    chapter: Path,
    output: Path,
    parameters: Mapping[str, object] | None = None,
    *,
    timeout: int = TIMEOUT,
) -> float:
    """Execute a chapter through papermill.

    The kernel is the running interpreter, in the chapter's folder. Nothing is written unless
    every cell succeeds. What is written names no machine and no time of day, and shows the
    parameters once: those it was executed with, which are the chapter's defaults where `parameters` has
    no value for them. The chapter itself is not changed. A cell may take `timeout` seconds.

    Returns
    -------
    float
        Seconds that it took.

    Raises
    ------
    ChapterError
        For a parameter that the chapter does not have or a value that it may not have, before
        anything is executed, and for a cell that fails, with its number among the code cells and its first line.
    """
    start = time.perf_counter()
    chapter = chapter.resolve()
    values = with_defaults(chapter, parameters) if parameters else None
    begun: list[Any] = []

    def on_cell_start(cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.tags:
            begun.append(cell)

    def failure(reason: str) -> ChapterError:
        if not begun:
            return ChapterError(f"{chapter.name}: {reason}")
        line = begun[-1].source.strip().partition("\n")[0]
        return ChapterError(f"{chapter.name}, code cell {len(begun)} ({line}): {reason}")

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the error says it all
    try:
        notebook = papermill.execute_notebook(
            _read(chapter),
            None,
            values,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            execution_timeout=timeout,
            kernel_manager_class=ThisPython,
            on_cell_start=on_cell_start,
            record_timing=False,
            resources={"metadata": {"path": str(chapter.parent)}},
        )
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}".strip().partition("\n")[0]
        raise failure(reason) from None
    except CellTimeoutError:
        raise failure(f"took longer than {timeout} s") from None
    except DeadKernelError:
        raise failure("the kernel died, perhaps for want of memory") from None
    except RuntimeError as error:
        raise failure(f"the kernel did not start: {error}") from None

    if values:
        for cell in _tagged(notebook, "parameters"):
            cell.metadata.tags.append("remove-cell")
    _write(notebook, output)
    return time.perf_counter() - start


def check_sources(folder: Path) -> list[str]:
    """Look for what has no place in the notebooks and Markdown of a folder and the folders in it.

    Returns a line for each output or execution count left in a cell, unknown cell tag, missing, doubled
    or unreadable ``parameters`` cell, kernel other than ``python3`` and path of somebody's machine. A
    notebook in a folder within `folder` is no chapter but a page of reference and may do without
    parameters.
    """
    problems = []
    for page in sorted(folder.rglob("*")):
        if page.suffix not in (".ipynb", ".md") or ".ipynb_checkpoints" in page.parts:
            continue
        found = list(_notebook_problems(page, folder)) if page.suffix == ".ipynb" else []
        text = page.read_text(encoding="utf-8")
        if MACHINE_PATH.search(text) or str(Path.home()) in text:
            found.append("a path of somebody's machine")
        problems += [f"{page.relative_to(folder)}: {problem}" for problem in found]
    return problems


def _notebook_problems(chapter: Path, folder: Path) -> Iterator[str]:
    notebook = _read(chapter)
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"
    for number, cell in enumerate(notebook.cells, 1):
        if cell.get("outputs"):
            yield f"cell {number} has outputs"
        if cell.get("execution_count") is not None:
            yield f"cell {number} has an execution count"
        for tag in cell.metadata.get("tags", []):
            if tag not in TAGS:
                yield unknown(f"tag of cell {number}", tag, sorted(TAGS))
    tagged = len(_tagged(notebook, "parameters"))
    if tagged > 1 or (not tagged and chapter.parent == folder):
        yield f"{tagged} cells are tagged 'parameters', not one"
    elif tagged:
        try:
            parameters(chapter)
        except ChapterError as error:
            yield str(error)


def _read(chapter: Path) -> Any:
    try:
        return nbformat.read(chapter, as_version=4)
    except FileNotFoundError:
        raise ChapterError(f"there is no chapter {chapter.name}") from None
    except (nbformat.reader.NotJSONError, nbformat.ValidationError):
        raise ChapterError(f"{chapter.name} is not a notebook") from None


def _write(notebook: Any, output: Path) -> None:
    # papermill notes paths and times of day.
    for noted in (notebook, *notebook.cells):
        noted.metadata.pop("papermill", None)
    write_whole(output, f"{nbformat.writes(notebook)}\n".encode())


def _tagged(notebook: Any, tag: str) -> list[Any]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def _literals(source: str) -> Iterator[tuple[str, object]]:
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ):
                yield name, ast.literal_eval(value)
            case _:
                raise ValueError("neither name = literal nor name: type = literal")
