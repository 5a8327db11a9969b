"""Why an export is refused, as sentences for the index team, in English and Indonesian.

Belongs here: one entry a fault, what is wrong and what to do. Doesn't: finding the fault.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FaultText:
    """The two sentences of a fault; the braces are filled by `ExportFault`."""

    en: str
    id: str


FAULTS: dict[str, FaultText] = {
    "empty_file": FaultText(
        "the file is empty. Export it again and drop it under the same name.",
        "berkas kosong. Ekspor ulang dan simpan dengan nama yang sama.",
    ),
    "header_only": FaultText(
        "there is a header but no record. Check the export's filter and export again; "
        "if nobody has answered yet, remove the file until somebody has.",
        "hanya ada judul kolom, tanpa satu pun jawaban. Periksa filter ekspor lalu ekspor ulang; "
        "bila memang belum ada jawaban, keluarkan dulu berkas ini.",
    ),
    "html_page": FaultText(
        "this is a web page, not an export (often the tool's login page). "
        "Log in to the tool and export again.",
        "ini halaman web, bukan hasil ekspor (sering kali halaman masuk). "
        "Masuk ke aplikasi survei lalu ekspor ulang.",
    ),
    "json_not_read": FaultText(
        "JSON is not read yet. Export the survey as CSV or XLSX.",
        "JSON belum dapat dibaca. Ekspor survei sebagai CSV atau XLSX.",
    ),
    "sav_not_read": FaultText(
        "SPSS files (.sav) are not read yet. Save the data as CSV with codes, not labels.",
        "berkas SPSS (.sav) belum dapat dibaca. Simpan data sebagai CSV berisi kode, bukan label.",
    ),
    "binary": FaultText(
        "this is no text and no workbook ({detail}). Export the survey as CSV or XLSX.",
        "ini bukan teks dan bukan buku kerja ({detail}). Ekspor survei sebagai CSV atau XLSX.",
    ),
    "bad_workbook": FaultText(
        "this is not an Excel workbook that can be opened ({detail}). "
        "Export again as XLSX, or open it in Excel, remove any password and save it as XLSX.",
        "ini bukan buku kerja Excel yang dapat dibuka ({detail}). "
        "Ekspor ulang sebagai XLSX, atau buka di Excel, hapus kata sandinya, simpan sebagai XLSX.",
    ),
    "no_sheet": FaultText(
        "the workbook has no sheet '{sheet}'; it has: {sheets}. "
        "Correct `sheet` of this profile in export_profiles.csv.",
        "buku kerja tidak memiliki lembar '{sheet}'; yang ada: {sheets}. "
        "Perbaiki `sheet` profil ini di export_profiles.csv.",
    ),
    "undecodable": FaultText(
        "the text is not {encoding} (byte {offset}). Export again as UTF-8, "
        "or name the right `encoding` of this profile in export_profiles.csv.",
        "teks bukan {encoding} (bita ke-{offset}). Ekspor ulang sebagai UTF-8, "
        "atau isi `encoding` yang benar untuk profil ini di export_profiles.csv.",
    ),
    "cut_off": FaultText(
        "{place}: the file ends in the middle of this record, or a quotation mark that opens in "
        "it is never closed. Export again and copy the file whole.",
        "{place}: berkas terputus di tengah baris ini, atau tanda kutip di dalamnya tidak pernah "
        "ditutup. Ekspor ulang dan salin berkas sampai utuh.",
    ),
    "ragged": FaultText(
        "{place}: {found} cells where the header has {expected}. Export again, or correct the "
        "record: a cell that holds the delimiter ({delimiter}) must stand in quotation marks.",
        "{place}: {found} sel, padahal judul kolom ada {expected}. Ekspor ulang, atau perbaiki "
        "baris itu: sel yang memuat pemisah ({delimiter}) harus diapit tanda kutip.",
    ),
    "nested": FaultText(
        "{place}: the whole record stands inside a single cell, as happens when a spreadsheet "
        "opens a CSV with another delimiter and saves it. Use the tool's own export, not re-saved.",
        "{place}: seluruh baris berada di dalam satu sel, seperti bila CSV dibuka dengan pemisah "
        "lain lalu disimpan ulang. Gunakan hasil ekspor asli, jangan disimpan ulang.",
    ),
    "record_too_long": FaultText(
        "{place}: a single record of over {limit} MB; most likely a quotation mark is not closed. "
        "Correct that record or export again.",
        "{place}: satu baris lebih dari {limit} MB; mungkin ada tanda kutip yang tidak ditutup. "
        "Perbaiki baris itu atau ekspor ulang.",
    ),
    "summary_table": FaultText(
        "this is a summary table (shares of answers), without one row per respondent. "
        "Export the individual responses.",
        "ini tabel ringkasan (persentase jawaban), bukan satu baris per responden. "
        "Ekspor jawaban perorangan.",
    ),
    "copy": FaultText(
        "a copy of {original}, byte for byte, which is read already; it is not counted twice. "
        "Remove one of the two.",
        "salinan persis dari {original} yang sudah dibaca; tidak dihitung dua kali. "
        "Hapus salah satunya.",
    ),
    "forgotten": FaultText(
        "it holds people who asked to be forgotten, and they can't be taken out of it ({detail}). "
        "Delete their answers in the survey tool and export again, as CSV or XLSX.",
        "berkas memuat orang yang minta datanya dihapus, dan jawabannya tidak dapat dikeluarkan "
        "({detail}). Hapus jawabannya di aplikasi survei lalu ekspor ulang sebagai CSV atau XLSX.",
    ),
    "changing": FaultText(
        "the file changed while it was copied ({listed} bytes listed, {copied} copied). "
        "Wait until the upload has ended and pull again.",
        "berkas berubah saat disalin ({listed} bita terdaftar, {copied} tersalin). "
        "Tunggu sampai unggahan selesai lalu tarik ulang.",
    ),
    "unreachable": FaultText(
        "the file could not be fetched ({detail}). Check that it may be read, and pull again.",
        "berkas tidak dapat diambil ({detail}). Periksa izin bacanya, lalu tarik ulang.",
    ),
    "unreadable": FaultText(
        "the file could not be read ({detail}). Export it again as CSV in UTF-8.",
        "berkas tidak dapat dibaca ({detail}). Ekspor ulang sebagai CSV dengan UTF-8.",
    ),
}

OLDER_STAYS = FaultText(
    " The version pulled at {pulled_at} UTC stays in use.",
    " Versi yang ditarik pada {pulled_at} UTC tetap dipakai.",
)

LAST_RESORT = FaultText(
    "read as cp1252, which fits almost any bytes. Check the accented letters; if they are "
    "wrong, name the `encoding` of profile {profile_id} in export_profiles.csv.",
    "dibaca sebagai cp1252, yang cocok dengan hampir semua bita. Periksa huruf beraksen; "
    "bila salah, isi `encoding` profil {profile_id} di export_profiles.csv.",
)

FRAME_OF_LAST_RESORT = FaultText(
    "read as cp1252, which fits almost any bytes. Check the accented letters; if they are wrong, "
    "save it as UTF-8.",
    "dibaca sebagai cp1252, yang cocok dengan hampir semua bita. Periksa huruf beraksen; bila "
    "salah, simpan sebagai UTF-8.",
)


class ExportFault(Exception):
    """A file is refused: `code` of `FAULTS` and what fills its sentence, but not the file's name.

    `place` is a pair `("record", 17)` or `("header row", 2)`: it is worded in both languages.
    """

    def __init__(
        self, code: str, *, place: tuple[str, int] | None = None, **details: object
    ) -> None:
        """`details` fill the braces of the fault's sentence."""
        super().__init__(code)
        self.code = code
        self.place = place
        self.details = details

    def in_english(self, name: str) -> str:
        """Return the sentence for the file `name`, such as `a.csv, record 17: 12 cells ...`."""
        return self._sentence(name, FAULTS[self.code].en, {})

    def in_indonesian(self, name: str) -> str:
        """Return the same sentence in Indonesian."""
        words = {"record": "jawaban ke-", "header row": "baris judul ke-"}
        return self._sentence(name, FAULTS[self.code].id, words)

    def _sentence(self, name: str, text: str, words: dict[str, str]) -> str:
        if self.place is None:
            return f"{name}: {text.format(**self.details)}"
        kind, number = self.place
        place = f"{words.get(kind, kind + ' ')}{number}"
        return f"{name}, {text.format(place=place, **self.details)}"
