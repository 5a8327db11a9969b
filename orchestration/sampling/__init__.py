"""Example cycles: exports in each tool's own shape, with the faults that real cycles have.

Belongs here: `make_cycle`, which puts vocabulary (what the seeds say), population (who works
where), fieldwork (who answers when, with which fault), ratings (what they answer) and export_files
(how each tool writes it) together. Doesn't: anything that reads or judges exports.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from orchestration.durable_files import below
from orchestration.sampling.export_files import write_exports
from orchestration.sampling.fieldwork import conduct
from orchestration.sampling.population import employ, write_staff_frame
from orchestration.sampling.ratings import Truth
from orchestration.sampling.vocabulary import read_vocabulary

TOOL_SHARES: Mapping[str, float] = MappingProxyType(
    {"limesurvey": 0.55, "gform": 0.25, "msform": 0.2}
)


def make_cycle(
    out: Path,
    *,
    cycle_id: str,
    respondents: int,
    seed: int,
    seeds_dir: Path,
    tools: Mapping[str, float] = TOOL_SHARES,
    rows_per_file: int = 100_000,
) -> list[Path]:
    """Write a cycle's exports and staff frame below `out/<cycle_id>/`; return the files.

    The same arguments and seeds give the same bytes. Staff, their identifiers and the units' true
    quality do not depend on `seed`: two cycles of one size survey the same people.

    Args:
        out: the landing folder; `out/<cycle_id>` must not hold files yet.
        cycle_id: a cycle of survey_cycles.csv.
        respondents: distinct persons who answer; second answers come on top.
        seed: who answers, when, what, and which faults they make.
        seeds_dir: the folder of seeds that names units, questions, headings and codes.
        tools: share of the responses by profile_id; shares are scaled to sum to 1.
        rows_per_file: a tool's export is split into files of at most so many rows.

    Raises:
        FileExistsError: `out/<cycle_id>` holds files, which would become part of the sample.
        UnknownCycleError: survey_cycles.csv does not list the cycle.
        ValueError: a tool without profile or source in the seeds, or a number out of range, or an
            id that may be no path.
    """
    if respondents < 1 or rows_per_file < 1:
        raise ValueError("respondents and rows_per_file must be at least 1.")
    folder = below(out, cycle_id)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Remove it, or write to another folder.")
    vocabulary = read_vocabulary(seeds_dir, cycle_id, tuple(tools))
    staff = employ(vocabulary, respondents)
    responses = conduct(
        vocabulary,
        staff,
        respondents=respondents,
        tool_shares=np.array([tools[profile.profile_id] for profile in vocabulary.profiles]),
        rng=np.random.default_rng(seed),
    )
    truth = Truth.of(vocabulary)
    files = [write_staff_frame(folder / "staff_frame.csv", vocabulary, staff)]
    for number, profile in enumerate(vocabulary.profiles):
        files += write_exports(
            folder,
            vocabulary,
            profile,
            staff,
            responses.of_profile(number),
            truth,
            seed=(seed, number),
            rows_per_file=rows_per_file,
        )
    return files
