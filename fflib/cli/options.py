"""Options that several commands share, and those made from the fields of an experiment."""

from functools import cache
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

__all__ = ["AsJson", "ExperimentCommand", "Into", "Jobs", "OnlyJson", "Retry"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnlyJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")
]
Into = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where the records go, in place of the published ones."),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Runs at a time. As many as cores by default.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Train also what is on record as failing.")]

NONE = "none"  # how a command line says that a field has no value


class ExperimentCommand(TyperCommand):
    """A command with an option for every field of an experiment.

    The options are made when the command is run or asked for its help, since the fields cannot be
    read without torch. Those that are given, or have a default that no preset changes, are then in
    ``ctx.obj``, by field.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the experiment, followed by the command's own."""
        return [*_experiment_options(), *super().get_params(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Hand the fields over in one piece, and call the command with its own options."""
        from fflib.experiment import properties

        given = {name: (schema, ctx.params.pop(name)) for name, schema in properties().items()}
        ctx.obj = {
            name: None if value == NONE and _optional(schema) else value
            for name, (schema, value) in given.items()
            if value is not None
        }
        return super().invoke(ctx)


@cache
def _experiment_options() -> list[Any]:
    """Make an option from the type, the default and the description of every field."""
    from fflib.experiment import KINDS, properties
    from fflib.presets import preset

    of_presets = preset("relu-l2", "ff", "mnist", "conv")  # which has all fields that any has
    parameters = []
    for name, schema in properties().items():
        kinds = [kind for kind, made in KINDS.items() if name in made.model_fields]
        text = schema["description"]
        own = f"{kinds[0]}: {text[0].lower()}{text[1:]}" if len(kinds) == 1 else text
        option = typer.Option(f"--{name.replace('_', '-')}", help=own, metavar=_choices(schema))
        parameters.append(
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=None if name in of_presets else schema.get("default"),
                annotation=Annotated[_type(schema) | None, option],
            )
        )

    def options(**_: Any) -> None: ...

    options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command = typer.Typer(add_completion=False)
    command.command()(options)
    return list(typer.main.get_command(command).params)


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return schema.get("anyOf", [schema])


def _optional(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "null" for one in _alternatives(schema))


def _type(schema: dict[str, Any]) -> type:
    types = {"integer": int, "number": float}
    kinds = [one.get("type", "string") for one in _alternatives(schema)]
    return str if "string" in kinds else types[kinds[0]]


def _choices(schema: dict[str, Any]) -> str | None:
    """Return the names that a field may have, as a command's help shows them."""
    names = [name for one in _alternatives(schema) for name in one.get("enum", ())]
    more = [one["title"] for one in schema.get("anyOf", ()) if "title" in one]
    if not (names or more):
        return None
    return "|".join([*names, *more, *([NONE] if _optional(schema) else [])])
