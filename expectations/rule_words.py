"""What each rule of the border demands, in words for people: the report's and Dagster's.

Belongs here: one short sentence a rule, in both languages. Doesn't: what a failure says
(rules.py). A rule without an entry is shown by its name; tests/test_quality_report.py asks for it.
"""

from orchestration.words import FaultText

RULE_WORDS: dict[str, FaultText] = {
    "pseudonym_key_is_set": FaultText(
        "A key is set where exports hold identifiers",
        "Kunci terpasang bila ekspor memuat pengenal",
    ),
    "files_hold_their_questions": FaultText(
        "A file holds questions of its profile", "Berkas memuat pertanyaan profilnya"
    ),
    "mapped_columns_are_present": FaultText(
        "Every mapped column is in the file", "Semua kolom yang dipetakan ada di berkas"
    ),
    "files_have_rows": FaultText("Every file holds responses", "Setiap berkas berisi jawaban"),
    "codes_are_known": FaultText(
        "A file's answers are codes that we know", "Jawaban di berkas adalah kode yang dikenal"
    ),
    "identifiers_are_whole": FaultText(
        "Identifiers have all their digits", "Angka pengenal tidak terpotong"
    ),
    "units_and_categories_are_known": FaultText(
        "Units, categories and roles are known", "Satuan kerja, kategori, dan peran dikenal"
    ),
    "times_are_readable": FaultText("Times can be read", "Waktu dapat dibaca"),
    "columns_hold_no_identifiers": FaultText(
        "No column is full of identifiers but that of identifiers",
        "Tidak ada kolom lain yang berisi pengenal",
    ),
    "answers_are_on_their_scale": FaultText(
        "Answers are on their question's scale", "Jawaban berada pada skala pertanyaannya"
    ),
    "columns_have_answers": FaultText(
        "Every question has an answer", "Setiap pertanyaan ada jawabannya"
    ),
    "texts_are_decoded": FaultText("Letters are read right", "Huruf terbaca dengan benar"),
    "response_ids_are_unique": FaultText(
        "No response is there twice", "Tidak ada jawaban yang tercatat dua kali"
    ),
    "files_do_not_hold_each_other": FaultText(
        "No file holds the rows of another", "Tidak ada berkas yang memuat isi berkas lain"
    ),
    "responses_are_of_one_source": FaultText(
        "No survey is there under two sources", "Tidak ada survei yang masuk lewat dua sumber"
    ),
    "cells_hold_no_identifiers": FaultText(
        "No cell holds an identifier that doesn't belong there",
        "Tidak ada sel yang memuat pengenal di tempat lain",
    ),
    "date_orders_are_right": FaultText(
        "Day and month are read in the right order", "Urutan hari dan bulan terbaca benar"
    ),
    "questions_keep_their_answers": FaultText(
        "No question loses all its answers", "Tidak ada pertanyaan yang kehilangan semua jawaban"
    ),
    "cells_hold_no_errors": FaultText(
        "No cell holds a spreadsheet's error", "Tidak ada sel berisi galat lembar kerja"
    ),
    "all_units_and_categories_are_known": FaultText(
        "Hardly any response has an unknown unit or category",
        "Hampir semua satuan kerja dan kategori dikenal",
    ),
    "all_times_are_in_the_window": FaultText(
        "Hardly any response is outside the window", "Hampir semua jawaban dari masa survei"
    ),
    "questions_are_answered_once": FaultText(
        "No question is answered in two columns of a row",
        "Tidak ada pertanyaan yang dijawab di dua kolom",
    ),
    "characters_are_whole": FaultText("No letter is damaged", "Tidak ada huruf yang rusak"),
    "rows_are_no_totals": FaultText(
        "No row of the staff frame is a total", "Kerangka pegawai tidak memuat baris jumlah"
    ),
    "persons_answer_once": FaultText(
        "Few people answer more than once", "Hanya sedikit orang menjawab lebih dari sekali"
    ),
    "times_are_in_the_window": FaultText(
        "Responses are from the cycle's window", "Jawaban berasal dari masa survei siklus"
    ),
    "columns_are_mapped": FaultText(
        "Every column of a file is mapped", "Semua kolom berkas dipetakan"
    ),
    "columns_are_present": FaultText(
        "The staff frame has its columns", "Kolom kerangka pegawai lengkap"
    ),
    "encoding_is_told": FaultText(
        "The staff frame's encoding is certain", "Penyandian kerangka pegawai pasti"
    ),
    "staff_counts_are_whole": FaultText(
        "Counts of staff are whole numbers", "Jumlah pegawai adalah bilangan bulat"
    ),
    "units_are_known": FaultText(
        "The staff frame's units are known", "Satuan kerja di kerangka pegawai dikenal"
    ),
    "recipient_categories_are_known": FaultText(
        "The staff frame's categories are known", "Kategori di kerangka pegawai dikenal"
    ),
    "roles_are_known": FaultText(
        "The staff frame's roles are known", "Peran di kerangka pegawai dikenal"
    ),
    "rows_are_unique": FaultText(
        "No row of the staff frame is there twice", "Tidak ada baris kerangka pegawai yang ganda"
    ),
    "exports_are_of_their_tool": FaultText(
        "Files are their tool's own exports", "Berkas adalah ekspor asli aplikasinya"
    ),
    "encodings_are_told": FaultText("Encodings are certain", "Penyandian berkas pasti"),
    "responses_are_as_many_as_in_the_last_cycle": FaultText(
        "Responses are about as many as in the last cycle",
        "Jumlah jawaban mendekati siklus sebelumnya",
    ),
    "responses_are_not_more_than_staff": FaultText(
        "Responses are no more than staff", "Jawaban tidak melebihi jumlah pegawai"
    ),
    "no_file_is_refused": FaultText("No file is refused", "Tidak ada berkas yang ditolak"),
    "every_source_has_files": FaultText("Every source has files", "Setiap sumber ada berkasnya"),
    "every_file_has_a_source": FaultText(
        "Every file belongs to a source", "Setiap berkas ada sumbernya"
    ),
    "staff_frame_is_there": FaultText("There is a staff frame", "Kerangka pegawai ada"),
    "figures_are_new": FaultText(
        "No closed cycle keeps the figures published before because fewer than min_cell_n persons "
        "differ",
        "Tidak ada siklus tertutup yang angka lamanya dipertahankan karena kurang dari min_cell_n "
        "orang berbeda",
    ),
    "rolled_back_stays": FaultText(
        "No cycle is held as it was rolled back to",
        "Tidak ada siklus yang ditahan setelah publikasinya dikembalikan",
    ),
    "postgres_holds_it_too": FaultText(
        "PostgreSQL, where one is set, holds what the files do",
        "PostgreSQL, bila dipasang, memuat publikasi yang sama dengan berkas",
    ),
    "every_cycle_is_published": FaultText(
        "No cycle lost the responses it was published with",
        "Tidak ada siklus yang kehilangan jawaban yang pernah terbit",
    ),
    "most_responses_are_accepted": FaultText(
        "Most responses of each file are accepted", "Sebagian besar jawaban tiap berkas diterima"
    ),
    "response_is_even": FaultText(
        "Those who answered are about as the staff: R-indicator from min_r_indicator on",
        "Yang menjawab kira-kira seperti pegawainya: indikator R mencapai min_r_indicator",
    ),
    "response_bias_is_small": FaultText(
        "No mean can be off by more than max_response_bias standard deviations by who answered",
        "Tidak ada rata-rata yang dapat meleset lebih dari max_response_bias simpangan baku karena "
        "siapa yang menjawab",
    ),
    "every_source_is_fresh": FaultText(
        "During the window every source brings something new within its days",
        "Selama masa survei tiap sumber membawa yang baru dalam batas harinya",
    ),
    "no_file_shrank": FaultText(
        "No file holds fewer records than its last version",
        "Tidak ada berkas yang isinya kurang dari versi sebelumnya",
    ),
}


def rule_in_words(check: str) -> FaultText:
    """Return what a check demands."""
    name = check.replace("_", " ").capitalize()
    return RULE_WORDS.get(check, FaultText(name, name))
