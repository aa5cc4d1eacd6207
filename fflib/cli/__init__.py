"""The command ``fflib``: one module per command, each importing what it needs when it runs."""

from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperGroup

from fflib.cli import (
    bench,
    claims,
    data,
    explore,
    records,
    reproduce,
    search,
    sweep,
    train,
    verdict,
)
from fflib.cli.options import ExperimentCommand
from fflib.errors import FflibError
from fflib.wording import spare_streams

__all__ = ["app", "main"]

EXAMPLES = """
\b
Examples:
  fflib train --dataset digits              a network in less than a minute
  fflib train --model bp --dataset digits   its control, by back-propagation
  fflib claims                              what the published runs say of the paper
  fflib reproduce --dry-run                 what it takes to train them all again
  fflib sweep grid.yml --dry-run            what a grid of your own takes
  fflib verdict photographs                 the claims, on a folder of your own images
"""

EXTRAS = {"dask": "sweeps", "distributed": "sweeps", "yaml": "sweeps", "skdim": "study"}
"""The extra that brings a package, where it is not that of the book."""


class Commands(TyperGroup):
    """Commands whose foreseeable errors are one line on stderr."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run a command, and say without a traceback what a person can put right."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise
        except ModuleNotFoundError as missing:
            package = str(missing.name).partition(".")[0]
            if package == "fflib":
                raise
            extra = EXTRAS.get(package, "book")
            message = f"this needs {package}: run pip install -e '.[{extra}]' in the clone"
            typer.echo(f"error: {message}", err=True)
            raise typer.Exit(2) from None
        except (FflibError, OSError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    epilog=EXAMPLES,
)
app.command(cls=ExperimentCommand, epilog=train.EXAMPLES)(train.train)
app.command(epilog=claims.EXAMPLES)(claims.claims)
app.command(epilog=reproduce.EXAMPLES)(reproduce.reproduce)
app.command(epilog=sweep.EXAMPLES)(sweep.sweep)
app.command(epilog=search.EXAMPLES)(search.search)
app.command(epilog=explore.EXAMPLES)(explore.explore)
app.command(epilog=verdict.EXAMPLES)(verdict.verdict)
app.command(epilog=bench.EXAMPLES)(bench.bench)
app.add_typer(records.app, name="records")
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fflib {version('forward-forward-ensembles')}")
        raise typer.Exit


@app.callback()
def _fflib(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Train Forward-Forward networks and look at the ensembles of units that form in them."""


def main() -> None:
    """Run the command line."""
    spare_streams()
    app(prog_name="fflib")
