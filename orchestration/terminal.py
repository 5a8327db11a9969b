"""What all commands share: the console, how one ends, the installation it works on.

Belongs here: settings and seeds as a command meets them, with sentences where they can't be used.
Doesn't: commands (cli.py, onboarding/commands.py).
"""

import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

if TYPE_CHECKING:
    from orchestration.seeds.survey_cycles import SurveyCycle
    from orchestration.settings import Settings

# What terminals obey (ESC begins colours, titles, links), and what turns the direction of writing.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]+")


class _Console(Console):
    """A console that prints of files' names and cells no command to the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401  # as rich has them
        return super().render_str(_COMMANDS.sub("\ufffd", text), **options)


# A pipe has no width: 120 columns keep the table whole in a log.
console = _Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def installation(
    *, seeds_must_agree: bool = False, writes: bool = True, reads_alone: bool = False
) -> "tuple[Settings, list[SurveyCycle]]":
    """Return the settings and the cycles that the seeds list, or end in a sentence.

    `writes`: the data folder must be one for writing, made yet or not; with `reads_alone`, one that
    is there will do.
    """
    from pydantic import ValidationError

    from expectations.seeds import ContradictorySeedsError, demand_agreement
    from orchestration.local_disk import NetworkDiskError, demand_local_disk
    from orchestration.seeds.survey_cycles import read_cycles
    from orchestration.settings import get_settings
    from orchestration.stages.other_index import demand_same_index

    try:
        settings = get_settings()
    except ValidationError as error:
        said = (str(each["msg"]).removeprefix("Value error, ") for each in error.errors())
        fail("\n".join(said), code=2)
    there = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    is_enough = reads_alone and settings.data_dir.is_dir()
    if writes and not is_enough and not (there.is_dir() and os.access(there, os.W_OK)):
        fail(
            f"{settings.data_dir} tidak dapat ditulisi; arahkan ILK_DATA_DIR ke folder Anda. / "
            "can't be written; set ILK_DATA_DIR to a folder of yours.",
            code=2,
        )
    try:
        if writes:
            demand_local_disk(settings.data_dir)
        if seeds_must_agree:  # the job demands it too; this tells a person before the imports do
            demand_agreement(settings.seeds_dir)
        known = read_cycles(settings.seeds_dir)
        if seeds_must_agree:
            demand_same_index(settings, known)
        return settings, known
    except (ContradictorySeedsError, NetworkDiskError) as error:
        fail(str(error))
    except (OSError, ValueError) as error:
        fail(str(error), code=2)


def in_a_line(text: object) -> str:
    """Return what a file says of itself (its name, a heading, a cell) without line breaks."""
    return _BREAKS.sub(" ", str(text))


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """Say it on stderr and end."""
    _Console(stderr=True, highlight=False).print(escape(sentence), soft_wrap=True)
    raise typer.Exit(code)
