"""A Google Forms sheet of the shipped instrument under other headings.

Belongs here: making it, the same each time. Doesn't: tests.
"""

import csv
from pathlib import Path

from orchestration.seeds.seed_tables import seed_records
from orchestration.settings import REPOSITORY
from tests.conftest import SAMPLE_SEEDS

SAMPLE = REPOSITORY / "examples/ilk/landing/ilk-2025-s2/gform/survei-ilk-2025-s2.csv"
REWORDED = 5
"""Questions that the new form asks in other words."""


def write_sheet(path: Path, *, rows: int) -> dict[str, str]:
    """Write some of the sample's answers under other headings; return question_id by new heading.

    Every second heading has a blank, a line break or other capitals; five are re-worded.
    """
    headings = {
        row["source_column"]: row["target"]
        for row in seed_records(SAMPLE_SEEDS, "export_columns")
        if row["profile_id"] == "gform" and row["target_kind"] == "question"
    }
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        header, *records = list(csv.reader(file))
    keys = {" ".join(heading.split()): target for heading, target in headings.items()}
    renamed = {}
    count = 0
    for place, heading in enumerate(header):
        target = keys.get(" ".join(heading.split()))
        if target is None:
            header[place] = {
                "Stempel waktu": "Timestamp", "Unit kerja": "Nama unit kerja Anda",
            }.get(heading, heading)  # fmt: skip
            continue
        header[place] = _other(" ".join(heading.split()), count)
        renamed[header[place]] = target
        count += 1
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *records[:: len(records) // rows][:rows]])
    return renamed


def _other(text: str, number: int) -> str:
    if number < REWORDED:
        return text.replace("Bagaimana", "Menurut Anda, bagaimana").replace("Anda?", "Saudara?")
    words = text.split(" ")
    return {
        0: text,
        1: f"  {text} ",
        2: "\n".join([" ".join(words[:5]), " ".join(words[5:])]),
        3: text.replace(" ", "\u00a0", 2).upper(),
        4: f"{text}\n",
    }[number % 5]
