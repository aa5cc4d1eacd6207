"""``fflib data``: which data sets are here, whether they are intact, and how to get them."""

from typing import Annotated

from typer import Argument, Exit, Typer, echo

from fflib.cli.output import print_table

EXAMPLES = """
Data sets are looked for in the folder that the environment variable FFLIB_DATA names, then in
data/. The digits come with scikit-learn and are always there.

\b
Examples:
  fflib data list
  fflib data fetch mnist
  fflib data check
"""

app = Typer(help="List, check and download data sets.", no_args_is_help=True, epilog=EXAMPLES)


@app.command("list")
def list_() -> None:
    """List the data sets and where they are on this machine."""
    from fflib.data import NAMES, where
    from fflib.data.published import PUBLISHED

    rows = []
    for name in NAMES:
        place = where(name) if name in PUBLISHED else "comes with scikit-learn"
        rows.append([name, place or _not_here(name)])
    print_table(["name", "where"], rows)


@app.command()
def check(
    name: Annotated[str | None, Argument(help="A data set; without it, all that are here.")] = None,
) -> None:
    """Compare every file with its published checksum; exit 1 where one differs."""
    from fflib import data

    bad = False
    for each in data.NAMES if name is None else (name,):
        files = data.check(each)
        here = not files or any(file.found for file in files)
        if not here:
            echo(f"{each}: {_not_here(each)}")
        elif not files:
            echo(f"{each}: comes with scikit-learn, no files to check")
        for file in files if here else ():
            state = "intact" if file.ok else "altered or truncated" if file.found else "missing"
            echo(f"{each}: {file.path}: {state}, MD5 {file.found}, published {file.expected}")
        bad |= not all(file.ok for file in files) and (here or name is not None)
    raise Exit(int(bad))


@app.command()
def fetch(
    name: Annotated[str, Argument(help="mnist, fashion-mnist, cifar-10, cifar-100 or svhn.")],
) -> None:
    """Download a data set unless it is here and intact."""
    from fflib import data

    files = data.fetch(name)
    place = files[0].path.parent if files else "scikit-learn"
    echo(f"{name} is in {place}, {len(files)} files intact")


def _not_here(name: str) -> str:
    from fflib.data.published import PUBLISHED

    return f"not here: fflib data fetch {name}" if PUBLISHED[name].reader else "not here"
