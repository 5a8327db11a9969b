"""The suites: every demand with its severity and the sentence that a failure says.

Belongs here: which column of a profile (response_profiles.py, file_profiles.py) must hold
what. A rule is `critical` where the data is broken as a whole and its cycle must stop; anything
that dbt can judge row by row warns at most. Sentences, in English and Indonesian, are filled from
the profile's row that failed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestration.exports.faults import FRAME_OF_LAST_RESORT, LAST_RESORT
from orchestration.words import FaultText

Severity = Literal["critical", "warning"]
# Which rows of a file a failed rule lists (expectations/failing_rows.py says how they are found).
Listed = Literal[
    "off_scale",
    "unknown",
    "mojibake",
    "error",
    "personal",
    "cut",
    "repeated",
    "unreadable",
    "stray",
]

# A cycle with less than half or more than twice the responses of the one before is more often a
# file that is missing or there twice than a change in the field. Our assumption of 2026: there are
# no real cycles yet to learn from.
_NEAR_LAST_CYCLE = (0.5, 2.0)
# A share of rejected rows below it is told by their count alone. Our assumption of 2026, too.
_WORTH_A_WARNING = 0.02
_COLUMN = "{file_name}, kolom / column '{source_column}'"
_ROW = "{file_name}, baris / row {source_row}"


@dataclass(frozen=True)
class Rule:
    """One Great Expectations expectation on a column of a profile frame."""

    name: str
    expectation: str
    column: str
    text: FaultText
    severity: Severity
    kwargs: dict[str, Any] = field(default_factory=dict)
    lists: Listed | None = None
    place: str = "{file_name}"

    def sentence(self, figures: Mapping[Any, object]) -> "Sentence":
        """Return what a person reads of a row of the profile."""
        in_indonesian = {name: _in_indonesian(of) for name, of in figures.items()}
        text = self.text.remedy_first()
        return Sentence(
            self.place.format_map(figures),
            FaultText(text.en.format_map(figures), text.id.format_map(in_indonesian)),
        )

    def message(self, figures: Mapping[Any, object]) -> str:
        """Return that sentence on one line: place, Indonesian, English."""
        return str(self.sentence(figures))


@dataclass(frozen=True)
class Sentence:
    """Where something is wrong, and what to do about it."""

    place: str
    text: FaultText

    def __str__(self) -> str:
        """Return it on one line."""
        return f"{self.place}: {self.text.id} / {self.text.en}"


def _in_indonesian(of: object) -> object:
    if isinstance(of, str):  # a list that was cut short
        return re.sub(r" and (\d+) more$", r" dan \1 lagi", of)
    return _Comma(of) if isinstance(of, int | float) and not isinstance(of, bool) else of


class _Comma(float):
    """A number as Indonesian writes it: 12,5% and 1.000."""

    def __format__(self, spec: str) -> str:
        if not spec and self.is_integer():
            return str(int(self))
        return super().__format__(spec).translate(str.maketrans(".,", ",."))


def survey_response_rules(*, max_off_scale_share: float) -> list[Rule]:
    """Return the suite of `raw/survey_responses`, for a frame of one row per file x column."""
    most = f"{max_off_scale_share:.0%}"
    return [
        Rule(
            name="files_hold_their_questions",
            expectation="expect_column_values_to_be_in_set",
            column="has_questions",
            kwargs={"value_set": [True]},
            severity="critical",
            text=FaultText(
                "no question of profile '{profile_id}' is among its headings: {header}. Drop it "
                "in the folder of its own profile, or take it out of landing; headings that "
                "changed are given in export_columns.csv.",
                "tidak satu pun judul kolomnya pertanyaan profil '{profile_id}': {header}. Taruh "
                "di folder profilnya sendiri, atau keluarkan dari landing; judul yang berubah "
                "dicatat di export_columns.csv.",
            ),
        ),
        Rule(
            name="mapped_columns_are_present",
            expectation="expect_column_values_to_be_in_set",
            column="is_present",
            kwargs={"value_set": [True]},
            severity="critical",
            text=FaultText(
                "no column '{source_column}', which export_columns.csv maps to {target}; nearest "
                "to it: {nearest_heading}; the file has: {header}. Export it with the headings of "
                "profile '{profile_id}', or change export_columns.csv.",
                "tidak ada kolom '{source_column}', yang di export_columns.csv dipetakan ke "
                "{target}; yang paling mirip: {nearest_heading}; yang ada: {header}. Ekspor dengan "
                "judul kolom profil '{profile_id}', atau ubah export_columns.csv.",
            ),
        ),
        Rule(
            name="files_have_rows",
            expectation="expect_column_values_to_be_between",
            column="row_count",
            kwargs={"min_value": 1},
            severity="critical",
            text=FaultText(
                "holds no answers. Export it again, or take it out of landing.",
                "tidak berisi jawaban. Ekspor ulang, atau keluarkan dari landing.",
            ),
        ),
        Rule(
            name="codes_are_known",
            expectation="expect_column_values_to_be_between",
            column="file_off_scale_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            text=FaultText(
                f"{{file_off_scale_share:.1%}} of the answers are no known code (at most {most}, "
                "max_off_scale_share); such as {file_off_scale_examples}. Add them to "
                "export_codes.csv for profile '{profile_id}', or export answer codes instead of "
                "texts.",
                f"{{file_off_scale_share:.1%}} jawaban bukan kode yang dikenal "
                f"(paling banyak {most}, "
                "max_off_scale_share), misalnya {file_off_scale_examples}. Tambahkan ke "
                "export_codes.csv untuk profil '{profile_id}', atau ekspor kode jawaban, bukan "
                "teksnya.",
            ),
        ),
        Rule(
            name="identifiers_are_whole",
            expectation="expect_column_values_to_be_between",
            column="cut_count",
            kwargs={"max_value": 0},
            severity="critical",
            lists="cut",
            place=_COLUMN,
            text=FaultText(
                "Export the file again and don't open it with Excel, or let the form store them as "
                "text: {cut_count} identifiers have lost their last digits (such as 1.9E+17, or "
                "15 digits and zeros), the first in row {first_cut_row}.",
                "Ekspor ulang dan jangan buka dengan Excel, atau simpan sebagai teks: {cut_count} "
                "pengenal kehilangan angka terakhirnya (seperti 1.9E+17, atau 15 angka lalu nol), "
                "yang pertama di baris {first_cut_row}.",
            ),
        ),
        Rule(
            name="units_and_categories_are_known",
            expectation="expect_column_values_to_be_between",
            column="unknown_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            lists="unknown",
            place=_COLUMN,
            text=FaultText(
                "Add these to export_codes.csv for profile '{profile_id}', or to the seed: "
                f"{{unknown_share:.1%}} of the cells lead to no known {{target}} (at most {most}, "
                "max_off_scale_share), such as {unknown_examples}; the first in row "
                "{unknown_row}{nearest}",
                "Tambahkan ke export_codes.csv untuk profil '{profile_id}', atau ke seed: "
                f"{{unknown_share:.1%}} sel tidak menuju {{target}} yang dikenal "
                f"(paling banyak {most}, "
                "max_off_scale_share), misalnya {unknown_examples}; yang pertama di baris "
                "{unknown_row}{nearest}",
            ),
        ),
        Rule(
            name="date_orders_are_right",
            expectation="expect_column_values_to_be_null",
            column="better_order",
            severity="critical",
            lists="stray",
            place=_COLUMN,
            text=FaultText(
                "Set date_order of profile '{profile_id}' in export_profiles.csv to "
                "{better_order}: read as {date_order}, {stray_share:.1%} of the times are none of "
                "the cycle's window, such as '{time_cell}' in row {time_row}.",
                "Isi date_order profil '{profile_id}' di export_profiles.csv dengan "
                "{better_order}: dibaca sebagai {date_order}, {stray_share:.1%} waktu tidak di "
                "masa survei siklus, misalnya '{time_cell}' di baris {time_row}.",
            ),
        ),
        Rule(
            name="times_are_readable",
            expectation="expect_column_values_to_be_between",
            column="unreadable_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            lists="unreadable",
            place=_COLUMN,
            text=FaultText(
                "Export the times as one of {readable}: "
                f"{{unreadable_share:.1%}} can't be read (at most {most}, "
                "max_off_scale_share), such as '{time_cell}' in row {time_row}.",
                "Ekspor waktu dengan salah satu bentuk {readable}: "
                f"{{unreadable_share:.1%}} tidak terbaca (paling banyak {most}, "
                "max_off_scale_share), misalnya '{time_cell}' di baris {time_row}.",
            ),
        ),
        Rule(
            name="times_are_in_the_window",
            expectation="expect_column_values_to_be_between",
            column="outside_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            lists="stray",
            place=_COLUMN,
            text=FaultText(
                "Take out the file of another cycle, or correct opens_on and closes_on in "
                "survey_cycles.csv: "
                f"{{outside_share:.1%}} of the times lie outside the window (at most {most}, "
                "max_off_scale_share), such as '{time_cell}' in row {time_row}; expected: "
                "{opens_on:%Y-%m-%d} to {closes_on:%Y-%m-%d}, {timezone}.",
                "Keluarkan berkas siklus lain, atau perbaiki opens_on dan closes_on di "
                "survey_cycles.csv: "
                f"{{outside_share:.1%}} waktu di luar masa survei (paling banyak {most}, "
                "max_off_scale_share), misalnya '{time_cell}' di baris {time_row}; seharusnya "
                "{opens_on:%Y-%m-%d} s.d. {closes_on:%Y-%m-%d}, {timezone}.",
            ),
        ),
        Rule(
            name="columns_hold_no_identifiers",
            expectation="expect_column_values_to_be_between",
            column="personal_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            lists="personal",
            place=_COLUMN,
            text=FaultText(
                "{personal_share:.1%} of the cells look like identifiers, telephone numbers or "
                "e-mail addresses, but it is mapped to {target}. Correct export_columns.csv: "
                "they must not enter the warehouse.",
                "{personal_share:.1%} sel tampak seperti pengenal, nomor telepon, atau alamat "
                "e-mail, padahal kolom ini dipetakan ke {target}. Perbaiki export_columns.csv: "
                "semua itu tidak boleh masuk gudang.",
            ),
        ),
        Rule(
            name="questions_keep_their_answers",
            expectation="expect_column_values_to_be_in_set",
            column="keeps_answers",
            kwargs={"value_set": [True]},
            severity="critical",
            lists="off_scale",
            place=_COLUMN,
            text=FaultText(
                "Add them to export_codes.csv, or correct the scale in questions.csv: not one of "
                "the {answer_count:.0f} answers to {target} is a known code, such as "
                "{off_scale_examples}.",
                "Tambahkan ke export_codes.csv, atau perbaiki skala di questions.csv: tidak satu "
                "pun dari {answer_count:.0f} jawaban {target} berupa kode yang dikenal, misalnya "
                "{off_scale_examples}.",
            ),
        ),
        Rule(
            name="answers_are_on_their_scale",
            expectation="expect_column_values_to_be_between",
            column="off_scale_share",
            kwargs={"max_value": max_off_scale_share},
            severity="warning",
            lists="off_scale",
            place=_COLUMN,
            text=FaultText(
                "{off_scale_share:.1%} of the answers are no known code, such as "
                "{off_scale_examples}; they are rejected as off_scale. Add them to "
                "export_codes.csv, or correct the scale in questions.csv.",
                "{off_scale_share:.1%} jawaban bukan kode yang dikenal, misalnya "
                "{off_scale_examples}; semuanya ditolak sebagai off_scale. Tambahkan ke "
                "export_codes.csv, atau perbaiki skala di questions.csv.",
            ),
        ),
        Rule(
            name="columns_have_answers",
            expectation="expect_column_values_to_be_between",
            column="blank_share",
            kwargs={"max_value": 1, "strict_max": True},
            severity="warning",
            place=_COLUMN,
            text=FaultText(
                "all cells are empty. Was {target} asked, and was its column exported?",
                "semua sel kosong. Apakah {target} ditanyakan, dan kolomnya ikut diekspor?",
            ),
        ),
        Rule(
            name="texts_are_decoded",
            expectation="expect_column_values_to_be_between",
            column="mojibake_count",
            kwargs={"max_value": 0},
            severity="warning",
            lists="mojibake",
            place=_COLUMN,
            text=FaultText(
                "{mojibake_count} cells look wrongly decoded, such as {mojibake_examples}. Set "
                "the encoding in export_profiles.csv.",
                "{mojibake_count} sel tampak salah baca hurufnya, misalnya {mojibake_examples}. "
                "Isi encoding di export_profiles.csv.",
            ),
        ),
        Rule(
            name="cells_hold_no_errors",
            expectation="expect_column_values_to_be_between",
            column="error_count",
            kwargs={"max_value": 0},
            severity="warning",
            lists="error",
            place=_COLUMN,
            text=FaultText(
                "{error_count} cells hold a spreadsheet's errors, such as {error_examples}. "
                "Correct the formulas, or use the tool's own export.",
                "{error_count} sel memuat galat lembar kerja, misalnya {error_examples}. "
                "Betulkan rumusnya, atau pakai hasil ekspor asli aplikasinya.",
            ),
        ),
        Rule(
            name="response_ids_are_unique",
            expectation="expect_column_values_to_be_between",
            column="repeated_count",
            kwargs={"max_value": 0},
            severity="warning",
            lists="repeated",
            place=_COLUMN,
            text=FaultText(
                "{repeated_count} rows bear the response id of a later row, such as row "
                "{repeated_row} (again: {repeated_in}; by file: {repeated_files}). Each "
                "response counts once, as the later row has it. If these are two surveys, give "
                "each a row of its own in survey_sources.csv.",
                "{repeated_count} baris bernomor jawaban sama dengan baris yang lebih baru, "
                "misalnya baris {repeated_row} (lagi: {repeated_in}; per berkas: "
                "{repeated_files}). Tiap jawaban dihitung sekali, menurut baris terbaru. Bila "
                "ini dua survei, beri masing-masing baris di survey_sources.csv.",
            ),
        ),
        Rule(
            name="responses_are_of_one_source",
            expectation="expect_column_values_to_be_null",
            column="twofold_count",
            severity="critical",
            text=FaultText(
                "{twofold_count} of its {row_count} rows stand in {twofold_in} too, with the same "
                "response ids and attributes, and would count twice: survey_sources.csv has two "
                "sources of one survey ({twofold_sources}). Take one row out there, or name all "
                "files by one location. If these are two surveys, give each its own profile.",
                "{twofold_count} dari {row_count} barisnya ada juga di {twofold_in}, dengan nomor "
                "jawaban dan atribut yang sama, dan akan dihitung dua kali: survey_sources.csv "
                "memuat dua sumber untuk satu survei ({twofold_sources}). Hapus salah satu "
                "barisnya, atau sebut semua berkas dengan satu lokasi. Bila ini dua survei, beri "
                "masing-masing profil.",
            ),
        ),
        Rule(
            name="files_do_not_hold_each_other",
            expectation="expect_column_values_to_be_null",
            column="copied_in",
            severity="warning",
            text=FaultText(
                "{copied_count} of its {row_count} rows stand in {copied_in} too, without response "
                "ids or under others. Take the older of the two out of the landing, or map the "
                "column of ids and write them alike: else rows without identifiers count twice.",
                "{copied_count} dari {row_count} barisnya ada juga di {copied_in}, tanpa nomor "
                "jawaban atau dengan nomor lain. Keluarkan yang lebih lama dari landing, atau "
                "petakan kolom nomornya dan samakan penulisannya: tanpa itu, baris tanpa pengenal "
                "dihitung dua kali.",
            ),
        ),
        Rule(
            name="cells_hold_no_identifiers",
            expectation="expect_column_values_to_be_between",
            column="personal_count",
            kwargs={"max_value": 0},
            severity="warning",
            lists="personal",
            place=_COLUMN,
            text=FaultText(
                "{personal_count} cells look like identifiers, telephone numbers or e-mail "
                "addresses. Somebody typed them into a field of another kind: take them out of "
                "the export.",
                "{personal_count} sel tampak seperti pengenal, nomor telepon, atau alamat "
                "e-mail. Seseorang mengetiknya di isian lain: keluarkan dari ekspor.",
            ),
        ),
        Rule(
            name="all_units_and_categories_are_known",
            expectation="expect_column_values_to_be_between",
            column="few_unknown_share",
            kwargs={"max_value": _WORTH_A_WARNING},
            severity="warning",
            lists="unknown",
            place=_COLUMN,
            text=FaultText(
                "Correct these, or add them to export_codes.csv: {few_unknown_share:.1%} of the "
                "responses are rejected, their cell leads to no known {target}, such as "
                "'{unknown_cell}' in row {unknown_row}; expected: an id or name of the seed, or a "
                "source_value of export_codes.csv{nearest}",
                "Perbaiki, atau tambahkan ke export_codes.csv: {few_unknown_share:.1%} jawaban "
                "ditolak karena selnya tidak menuju {target} yang dikenal, misalnya "
                "'{unknown_cell}' di baris {unknown_row}; seharusnya id atau nama dari seed, atau "
                "source_value dari export_codes.csv{nearest}",
            ),
        ),
        Rule(
            name="all_times_are_in_the_window",
            expectation="expect_column_values_to_be_between",
            column="few_stray_share",
            kwargs={"max_value": _WORTH_A_WARNING},
            severity="warning",
            lists="stray",
            place=_COLUMN,
            text=FaultText(
                "Look at these times: {stray_share:.1%} of the responses are rejected, such as "
                "'{time_cell}' in row {time_row}; expected: {opens_on:%Y-%m-%d} to "
                "{closes_on:%Y-%m-%d}, {timezone}, as {readable}.",
                "Periksa waktunya: {stray_share:.1%} jawaban ditolak, misalnya '{time_cell}' di "
                "baris {time_row}; seharusnya {opens_on:%Y-%m-%d} s.d. {closes_on:%Y-%m-%d}, "
                "{timezone}, dalam bentuk {readable}.",
            ),
        ),
        Rule(
            name="questions_are_answered_once",
            expectation="expect_column_values_to_be_between",
            column="twice_count",
            kwargs={"max_value": 0},
            severity="warning",
            place=_COLUMN,
            text=FaultText(
                "Leave one answer in these rows: {twice_count:.0f} rows answer {target} "
                "differently in two of its columns, the first is row {first_twice_row:.0f}; such "
                "an answer is rejected.",
                "Sisakan satu jawaban di baris itu: {twice_count:.0f} baris menjawab {target} "
                "berbeda di dua kolomnya, yang pertama baris {first_twice_row:.0f}; jawaban "
                "demikian ditolak.",
            ),
        ),
        Rule(
            name="columns_are_mapped",
            expectation="expect_column_values_to_be_in_set",
            column="unmapped_count",
            kwargs={"value_set": [0]},
            severity="warning",
            text=FaultText(
                "{unmapped_count} columns are named by no row of export_columns.csv for profile "
                "'{profile_id}': {unmapped_columns}. Map them, or set them to ignore.",
                "{unmapped_count} kolom tidak disebut di export_columns.csv untuk profil "
                "'{profile_id}': {unmapped_columns}. Petakan, atau isi ignore.",
            ),
        ),
    ]


_CHARACTERS_ARE_WHOLE = Rule(
    name="characters_are_whole",
    expectation="expect_column_values_to_be_in_set",
    column="is_whole",
    kwargs={"value_set": [True]},
    severity="warning",
    text=FaultText("{note_en}", "{note_id}"),
)


def export_file_rules(*, max_superseded_share: float) -> list[Rule]:
    """Return the suite of `raw/export_files`, for a frame of one row per current export."""
    lowest, highest = _NEAR_LAST_CYCLE
    answered_again = f"{max_superseded_share:.0%}"
    return [
        Rule(
            name="exports_are_of_their_tool",
            expectation="expect_column_values_to_be_in_set",
            column="has_tool_heading",
            kwargs={"value_set": [True]},
            severity="warning",
            text=FaultText(
                "no column {tool_headings}, which every export of {tool} has; the file has: "
                "{header}. Is it the tool's own export, and `tool` of profile '{profile_id}' "
                "right?",
                "tidak ada kolom {tool_headings}, yang selalu ada pada ekspor {tool}; yang ada: "
                "{header}. Apakah ini ekspor asli aplikasinya, dan `tool` profil '{profile_id}' "
                "benar?",
            ),
        ),
        Rule(
            name="encodings_are_told",
            expectation="expect_column_values_to_be_in_set",
            column="is_encoding_told",
            kwargs={"value_set": [True]},
            severity="warning",
            text=LAST_RESORT,
        ),
        _CHARACTERS_ARE_WHOLE,
        Rule(
            name="responses_are_as_many_as_in_the_last_cycle",
            expectation="expect_column_values_to_be_between",
            column="share_of_last_cycle",
            kwargs={"min_value": lowest, "max_value": highest},
            severity="warning",
            place="{cycle_id}",
            text=FaultText(
                "{record_count:,.0f} responses, in {previous_cycle_id} "
                "{previous_record_count:,.0f}. Is a file missing, or there twice under two "
                "names?",
                "{record_count:,.0f} jawaban, di {previous_cycle_id} "
                "{previous_record_count:,.0f}. Apakah ada berkas yang kurang, atau ada dua kali "
                "dengan dua nama?",
            ),
        ),
        Rule(
            name="persons_answer_once",
            expectation="expect_column_values_to_be_between",
            column="superseded_share",
            kwargs={"max_value": max_superseded_share},
            severity="warning",
            place="{cycle_id}",
            text=FaultText(
                "Compare these rows: {superseded_share:.1%} of the responses are another one's of "
                f"the same person (expected: at most {answered_again}, max_superseded_share) and "
                "don't count. Is the column of identifiers right, and are its digits whole? Such "
                "as {superseded_examples}.",
                "Bandingkan baris ini: {superseded_share:.1%} jawaban berasal dari orang yang "
                f"sudah menjawab (paling banyak {answered_again}, max_superseded_share) dan tidak "
                "dihitung. Benarkah kolom pengenalnya, dan utuhkah angkanya? Misalnya "
                "{superseded_examples}.",
            ),
        ),
        Rule(
            name="responses_are_not_more_than_staff",
            expectation="expect_column_values_to_be_between",
            column="share_of_staff",
            kwargs={"max_value": 1},
            severity="warning",
            place="{cycle_id}",
            text=FaultText(
                "{record_count:,.0f} responses, but {staff_count:,.0f} staff in "
                "staff_frame.csv. Is the frame whole, or a file there twice under two names?",
                "{record_count:,.0f} jawaban, padahal pegawai di staff_frame.csv "
                "{staff_count:,.0f}. Apakah kerangkanya utuh, atau ada berkas dua kali dengan "
                "dua nama?",
            ),
        ),
    ]


def staff_frame_rules(*, known: dict[str, list[str]]) -> list[Rule]:
    """Return the suite of `raw/staff_frame`, for the frame's own rows.

    `known`: the ids that unit_id, recipient_category_id and role_id may hold.
    """
    return [
        Rule(
            name="columns_are_present",
            expectation="expect_column_values_to_be_in_set",
            column="missing_columns",
            kwargs={"value_set": [""]},
            severity="critical",
            text=FaultText(
                "no column {missing_columns}; a staff frame has unit_id, recipient_category_id, "
                "role_id, staff_count and may have gender.",
                "tidak ada kolom {missing_columns}; kerangka pegawai memuat unit_id, "
                "recipient_category_id, role_id, staff_count, dan boleh gender.",
            ),
        ),
        Rule(
            name="encoding_is_told",
            expectation="expect_column_values_to_be_in_set",
            column="is_encoding_told",
            kwargs={"value_set": [True]},
            severity="warning",
            text=FRAME_OF_LAST_RESORT,
        ),
        _CHARACTERS_ARE_WHOLE,
        Rule(
            name="rows_are_no_totals",
            expectation="expect_column_values_to_be_in_set",
            column="is_total",
            kwargs={"value_set": [False]},
            severity="critical",
            place=_ROW,
            text=FaultText(
                "'{delivered_unit}' is a total, and would count all staff twice. Delete the row.",
                "'{delivered_unit}' adalah baris jumlah, dan akan menghitung pegawai dua kali. "
                "Hapus baris itu.",
            ),
        ),
        Rule(
            name="staff_counts_are_whole",
            expectation="expect_column_values_to_match_regex",
            column="staff_count",
            kwargs={"regex": r"^\s*[0-9]+(?:[.]0*)?\s*$"},
            severity="critical",
            place=_ROW,
            text=FaultText(
                "staff_count '{staff_count}' is no whole number from 0 on. Correct the row.",
                "staff_count '{staff_count}' bukan bilangan bulat mulai 0. Perbaiki baris itu.",
            ),
        ),
        *(
            Rule(
                name=f"{seed}_are_known",
                expectation="expect_column_values_to_be_in_set",
                column=column,
                kwargs={"value_set": known.get(column, [])},
                severity="critical",
                place=f"{{file_name}}, baris / row {{{column}_rows}}",
                text=FaultText(
                    f"{seed}.csv has no {column} '{{{column}}}'{{{column}_hint_en}}",
                    f"{seed}.csv tidak memuat {column} '{{{column}}}'{{{column}_hint_id}}",
                ),
            )
            for column, seed in STAFF_IDS.items()
        ),
        Rule(
            name="rows_are_unique",
            expectation="expect_column_values_to_be_in_set",
            column="is_repeated",
            kwargs={"value_set": [False]},
            severity="warning",
            place=_ROW,
            text=FaultText(
                "unit '{unit_id}' has this category, role and gender in an earlier row too; "
                "their staff are added up. Remove one if it is a copy.",
                "unit '{unit_id}' dengan kategori, peran, dan gender ini sudah ada di baris "
                "sebelumnya; pegawainya dijumlahkan. Hapus salah satu bila itu salinan.",
            ),
        ),
    ]


STAFF_IDS = {
    "unit_id": "units",
    "recipient_category_id": "recipient_categories",
    "role_id": "roles",
}
RESPONSE_CHECKS: dict[str, Severity] = {
    rule.name: rule.severity for rule in survey_response_rules(max_off_scale_share=0)
}
FILE_CHECKS: dict[str, Severity] = {
    rule.name: rule.severity for rule in export_file_rules(max_superseded_share=0)
}
STAFF_CHECKS: dict[str, Severity] = {
    rule.name: rule.severity for rule in staff_frame_rules(known={})
}
