"""Small books for the tests: notebooks written by hand, and a toy with the settings of the real book."""

import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fflib.book.install_cell import configured, update

ROOT = Path(__file__).resolve().parents[1]
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def code(source, *tags, **metadata):
    return new_code_cell(source, metadata={"tags": list(tags), **metadata})


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells), metadata={"kernelspec": KERNEL}), path)
    return path


def make_toy(root):
    """Write a book of two chapters and a page, with the settings of the real one."""
    shutil.copytree(ROOT / "chapters" / "_static", root / "chapters" / "_static")
    for name in ("_config.yml", "references.bib", "CITATION.cff"):
        shutil.copy(ROOT / name, root)
    write(
        root / "chapters" / "scorecard.ipynb",
        new_markdown_cell("# Scorecard\n\n{glue:text}`01-first.ipynb::ratio:.3f`, {numref}`line`"),
        code('source = "records"', "parameters"),
    )
    write(
        root / "chapters" / "01-first.ipynb",
        new_markdown_cell("# First\n\n$$ a = b $$ (equal)\n\n{eq}`equal`, {cite:t}`hoyer2004`"),
        code("seeds = [0, 1]", "parameters"),
        code("from myst_nb import glue\nglue('ratio', len(seeds) / 3, display=False)"),
        code(
            "import matplotlib.pyplot as plt\nplt.plot(seeds);",
            mystnb={"figure": {"caption": "A line.", "name": "line"}},
        ),
        code("import warnings\nwarnings.warn('of no concern to a reader')"),
    )
    (root / "chapters" / "bibliography.md").write_text("# Bibliography\n\n```{bibliography}\n```\n")
    (root / "_toc.yml").write_text(
        "format: jb-book\n"
        "root: chapters/scorecard\n"
        "parts:\n"
        "  - caption: Claims\n"
        "    numbered: 1\n"
        "    chapters: [file: chapters/01-first]\n"
        "  - caption: Reference\n"
        "    chapters: [file: chapters/bibliography]\n"
    )
    update(root / "chapters", configured(root))
