"""The API is the package: every public module stands on exactly one page, that of its room."""

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

import fflib

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "chapters" / "reference" / "api"
PAGES = {
    path.stem: re.findall(r"^\.\. automodule:: (\S+)$", path.read_text(encoding="utf-8"), re.M)
    for path in sorted(FOLDER.glob("*.md"))
}
MEMBERS = [
    (module, member.strip())
    for path in sorted(FOLDER.glob("*.md"))
    for module, members in re.findall(
        r"^\.\. automodule:: (\S+)\n   :members: (.+)$", path.read_text(encoding="utf-8"), re.M
    )
    for member in members.split(",")
]
PUBLIC = {"fflib"} | {
    module.name
    for module in pkgutil.walk_packages(fflib.__path__, "fflib.")
    if not re.search(r"\._", module.name)
}
# Rooms with a page of their own, by page; the modules at the top stand on others.
ROOMS = {
    **{name: f"fflib.{name}" for name in ("bench", "book", "cli", "data", "measures", "networks")},
    **{name: f"fflib.{name}" for name in ("records", "statistics", "study", "sweeps", "training")},
    **{name: f"fflib.book.{name}" for name in ("explorers", "figures", "report")},
}


def test_every_public_module_is_documented_once_and_each_that_is_exists():
    documented = Counter(module for modules in PAGES.values() for module in modules)
    assert set(documented) == PUBLIC
    assert [module for module, times in documented.items() if times > 1] == []


@pytest.mark.parametrize(("module", "member"), MEMBERS)
def test_a_member_that_a_page_lists_is_there(module, member):
    assert hasattr(importlib.import_module(module), member)


def test_every_page_is_in_the_table_of_contents():
    toc = parse_toc_yaml(ROOT / "_toc.yml")
    listed = {Path(page).name for page in toc if page.startswith("chapters/reference/api/")}
    assert listed == set(PAGES)


@pytest.mark.parametrize("page", ROOMS)
def test_a_page_opens_with_the_sentence_of_its_room_and_holds_nothing_else(page):
    room = ROOMS[page]
    assert PAGES[page][0] == room
    assert all(module.startswith(room) for module in PAGES[page])
    assert (importlib.import_module(room).__doc__ or "").strip()
