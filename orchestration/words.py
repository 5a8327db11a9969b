"""Codes of the warehouse and of Dagster as words for people, in Indonesian and English.

Belongs here: a text in both, one entry a code, lists that are cut short, the reader's clock.
Doesn't: sentences of faults (exports/faults.py, expectations), figures (publishing/reading).
"""

import re
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class FaultText:
    """What is wrong, then what to do, in two sentences a language; braces are filled later."""

    en: str
    id: str

    def filled(self, **details: object) -> "FaultText":
        """Return it with its braces filled."""
        return FaultText(self.en.format(**details), self.id.format(**details))

    def remedy_first(self) -> "FaultText":
        """Return the text as people read it: what to do, then what is wrong."""
        return FaultText(_remedy_first(self.en), _remedy_first(self.id))


def _remedy_first(text: str) -> str:
    parts = re.fullmatch(r"(\{place\}: )?(.+?)(?<=[.?!]) (?=[A-Z])(.+)", text.strip(), flags=re.S)
    if parts is None:
        return text
    place, fault, remedy = parts[1] or "", parts[2], parts[3]
    return text if remedy[-1] == "?" else f"{place}{remedy[:-1]} – {fault}"


VERDICTS = {
    "better": FaultText("better", "membaik"),
    "worse": FaultText("worse", "memburuk"),
    "same": FaultText("the same", "tidak berubah"),
    "unknown": FaultText("not known", "belum pasti"),
}
REASONS = {
    "summary_row": FaultText("totals row", "baris rekapitulasi"),
    "test_response": FaultText("trial response", "jawaban percobaan"),
    "incomplete": FaultText("not finished", "tidak selesai"),
    "out_of_window": FaultText("outside the window", "di luar masa survei"),
    "unknown_unit": FaultText("unknown unit", "satuan kerja tak dikenal"),
    "unknown_category": FaultText("unknown category", "kategori tak dikenal"),
    "unknown_role": FaultText("unknown role", "peran tak dikenal"),
    "straight_lining": FaultText("all answers alike", "semua jawaban sama"),
    "speeding": FaultText("answered too fast", "terlalu cepat"),
    "category_mismatch": FaultText("another category's questions", "bukan kategorinya"),
    "superseded": FaultText(
        "answered or exported again later", "dijawab atau diekspor lagi kemudian"
    ),
    "off_scale": FaultText("not on the scale", "di luar skala"),
    "off_route": FaultText("not asked of the category", "bukan pertanyaan kategorinya"),
    "no_provider": FaultText("no unit to rate", "tanpa satuan yang dinilai"),
}
"""Why a response or an answer does not count (docs/method.md)."""

RUN_STATUSES = {
    "SUCCESS": FaultText("done", "berhasil"),
    "FAILURE": FaultText("failed", "gagal"),
    "CANCELED": FaultText("stopped", "dihentikan"),
    "CANCELING": FaultText("stopping", "dihentikan"),
    "STARTED": FaultText("under way", "berjalan"),
    "STARTING": FaultText("starting", "dimulai"),
    "QUEUED": FaultText("waiting", "menunggu"),
    "NOT_STARTED": FaultText("not started", "belum mulai"),
}
CYCLE_STATUSES = {
    "planned": FaultText("planned", "direncanakan"),
    "open": FaultText("open", "dibuka"),
    "closed": FaultText("closed", "ditutup"),
    "final": FaultText("final", "final"),
}


def in_words(words: dict[str, FaultText], code: str) -> FaultText:
    """Return a code's words; one that has none speaks for itself."""
    return words.get(code, FaultText(code.replace("_", " "), code.replace("_", " ")))


def both(text: FaultText) -> str:
    """Return `Indonesian / English`, once where they are the same."""
    return text.id if text.id == text.en else f"{text.id} / {text.en}"


def on_the_readers_clock(instant: datetime) -> str:
    """Return an instant that bears its zone as this machine's local time, with the zone's name."""
    return f"{instant.astimezone():%Y-%m-%d %H:%M %Z}"
