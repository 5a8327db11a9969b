"""`ilk metadata CYCLE`: the forms and the codebook of a cycle, and what is to be asked for.

Belongs here: writing them all, what is printed. Doesn't: arguments (cli.py), answers.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable_files import below, whole_file
from orchestration.metadata.activity import Answer, answers, missing
from orchestration.metadata.codebook import write_codebook
from orchestration.metadata.forms import ACTIVITY, SEED
from orchestration.metadata.indicators import Row, indicators
from orchestration.metadata.sources import Sources, read_sources
from orchestration.metadata.variables import rows, variables
from orchestration.metadata.workbook import write_workbook

WORKBOOK, FORMS, CODEBOOK = "metadata-statistik.xlsx", "metadata-statistik.json", "ddi-codebook.xml"
_NAMED = 5  # missing fields that are spelled out; the sheet has them all


@dataclass(frozen=True)
class MetadataReport:
    """What was written, and the fields that nobody has stated yet, in the forms' order."""

    files: tuple[Path, ...]
    missing: tuple[Answer, ...]
    is_published: bool

    def in_words(self, seeds_dir: Path) -> str:
        """Return what a person reads."""
        told = [str(path) for path in self.files]
        if not self.is_published:
            told.append(
                "Siklus ini belum terbit: tanpa angkanya. / Not published yet: without its figures."
            )
        if self.missing:
            names = ", ".join(answer.field.key for answer in self.missing[:_NAMED])
            more = len(self.missing) - _NAMED
            rest = f" dan {more} lagi / and {more} more" if more > 0 else ""
            told.append(
                f"Belum terisi / not filled in yet: {len(self.missing)} ({names}{rest}). Isi di / "
                f"state them in {seeds_dir / SEED}.csv; lembar / sheet 'Belum terisi'."
            )
        return "\n".join(told)


def write_metadata(
    *, seeds_dir: Path, published_dir: Path, folder: Path, cycle_id: str
) -> MetadataReport:
    """Write the forms and the codebook of a cycle into `<folder>/<cycle_id>/`.

    The seeds must agree. Raises UnknownCycleError, SeedFileError, UnreadableFileError.
    """
    sources = read_sources(seeds_dir, published_dir, cycle_id)
    found = answers(sources)
    asked = variables(sources)
    of_indicators, of_variables = indicators(sources, found), rows(sources, found)
    target = below(folder, cycle_id)
    files = tuple(target / name for name in (WORKBOOK, FORMS, CODEBOOK))
    write_workbook(
        files[0],
        title=found["judul_kegiatan"].value,
        found=found,
        indicators=of_indicators,
        variables=of_variables,
    )
    with whole_file(files[1]) as fresh:
        content = _content(sources, found, of_indicators, of_variables)
        fresh.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_codebook(files[2], sources, found, asked)
    return MetadataReport(files, tuple(missing(found)), sources.figures is not None)


def _content(
    sources: Sources, found: dict[str, Answer], of_indicators: list[Row], of_variables: list[Row]
) -> dict[str, object]:
    """Return the forms as JSON: MS-Keg by block and field, the others a list of rows."""
    return {
        "cycle_id": sources.cycle.cycle_id,
        "ms_keg": [
            {
                "blok": block.number,
                "judul": block.title,
                "rincian": [
                    {
                        "field": asked.key,
                        "nomor": asked.number,
                        "pertanyaan": asked.label,
                        "isian": found[asked.key].value,
                        "isian_kata": found[asked.key].in_words,
                        "keadaan": found[asked.key].state,
                        "asal": found[asked.key].origin,
                    }
                    for asked in block.fields
                ],
            }
            for block in ACTIVITY
        ],
        "ms_ind": of_indicators,
        "ms_var": of_variables,
        "belum_terisi": [answer.field.key for answer in missing(found)],
    }
