"""Why an export is refused, as sentences for the index team, in English and Indonesian.

Belongs here: one entry a fault, what is wrong and what to do. Doesn't: finding the fault.
"""

from orchestration.words import FaultText

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
    "limesurvey_headings": FaultText(
        "its headings are LimeSurvey's question texts, which repeat and are translated. Export "
        "again with headings `Question code` and responses `Answer codes` (RemoteControl: "
        "heading_type=code, response_type=short).",
        "judul kolomnya teks pertanyaan LimeSurvey, yang berulang dan diterjemahkan. Ekspor ulang "
        "dengan judul `Kode pertanyaan` dan jawaban `Kode jawaban` (RemoteControl: "
        "heading_type=code, response_type=short).",
    ),
    "limesurvey_answers": FaultText(
        "its answers are LimeSurvey's whole texts, under which a question that was never shown "
        "reads No ({words} columns) or N/A ({hidden} columns). Export again with responses `Answer "
        "codes` (RemoteControl: response_type=short).",
        "jawabannya teks lengkap LimeSurvey, sehingga pertanyaan yang tak pernah ditampilkan "
        "terbaca Tidak ({words} kolom) atau N/A ({hidden} kolom). Ekspor ulang dengan jawaban "
        "`Kode jawaban` (RemoteControl: response_type=short).",
    ),
    "json_without_records": FaultText(
        "this JSON holds no list of responses (it holds: {keys}). Export the responses themselves: "
        "KoboToolbox 'results', LimeSurvey 'responses', ODK Central 'value', or CSV or XLSX.",
        "JSON ini tidak memuat daftar jawaban (isinya: {keys}). Ekspor jawabannya sendiri: "
        "KoboToolbox 'results', LimeSurvey 'responses', ODK Central 'value', atau CSV atau XLSX.",
    ),
    "json_no_record": FaultText(
        "it is no JSON object, as each response must be. Export again, or export CSV or XLSX.",
        "bukan objek JSON, padahal tiap jawaban harus demikian. Ekspor ulang, atau ekspor CSV atau "
        "XLSX.",
    ),
    "json_broken": FaultText(
        "the text is no JSON here, or breaks off. Export again and copy the file whole.",
        "teksnya bukan JSON di sini, atau terputus. Ekspor ulang dan salin berkas sampai utuh.",
    ),
    "json_repeated_key": FaultText(
        "'{column}' stands twice in one response, and one of the two answers would be lost. Choose "
        "question codes as headings (LimeSurvey: heading_type=code), or export CSV.",
        "'{column}' ada dua kali dalam satu jawaban, dan salah satunya akan hilang. Pilih kode "
        "pertanyaan sebagai judul kolom (LimeSurvey: heading_type=code), atau ekspor CSV.",
    ),
    "json_page": FaultText(
        "this is a part of the answer: it holds {found} responses of {count}. Follow `next` to "
        "the last page, or export CSV or XLSX.",
        "ini baru sebagian: memuat {found} dari {count} jawaban. Ikuti `next` sampai halaman "
        "terakhir, atau ekspor CSV atau XLSX.",
    ),
    "sav_extra": FaultText(
        "SPSS files need the package pyreadstat. Install it: uv sync --extra spss; or save the "
        "data as CSV with codes, not labels.",
        "berkas SPSS memerlukan paket pyreadstat. Pasang dengan uv sync --extra spss; atau simpan "
        "data sebagai CSV berisi kode, bukan label.",
    ),
    "bad_sav": FaultText(
        "this is not an SPSS file that can be opened ({detail}). Copy it whole, or save the data "
        "as CSV with codes, not labels.",
        "ini bukan berkas SPSS yang dapat dibuka ({detail}). Salin berkas sampai utuh, atau simpan "
        "data sebagai CSV berisi kode, bukan label.",
    ),
    "sav_crashed": FaultText(
        "pyreadstat, which reads SPSS files, breaks down on this one ({detail}), or needs over "
        "{memory} GB or {seconds} seconds. Save the data as CSV with codes, not labels.",
        "pyreadstat, pembaca berkas SPSS, macet pada berkas ini ({detail}), atau perlu lebih dari "
        "{memory} GB atau {seconds} detik. Simpan data sebagai CSV berisi kode, bukan label.",
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
    "web_table": FaultText(
        "this is {detail}, whatever its name says. Open it in Excel, save it as XLSX (or CSV "
        "UTF-8) and drop that file here.",
        "ini {detail}, apa pun nama berkasnya. Buka di Excel, simpan sebagai XLSX (atau CSV "
        "UTF-8), lalu taruh berkas itu di sini.",
    ),
    "zip_archive": FaultText(
        "this is a ZIP archive that holds {detail}, where none is opened. Unpack it and drop its "
        "files here.",
        "ini arsip ZIP yang memuat {detail}, dan di sini tidak dibuka. Buka arsipnya lalu taruh "
        "isinya di sini.",
    ),
    "zip_broken": FaultText(
        "the ZIP archive is cut off or damaged here, or packed in a way that is not read "
        "({detail}). Download it again, or unpack it and drop its files here.",
        "arsip ZIP terputus atau rusak di sini, atau dikemas dengan cara yang tak dikenal "
        "({detail}). Unduh ulang, atau buka arsipnya lalu taruh isinya di sini.",
    ),
    "zip_empty": FaultText(
        "the ZIP archive holds no export ({count} other files). Export again.",
        "arsip ZIP tidak memuat hasil ekspor ({count} berkas lain). Ekspor ulang.",
    ),
    "zip_encrypted": FaultText(
        "it is locked with a password inside the ZIP archive. Unpack it with the password and drop "
        "its files here.",
        "isinya dikunci kata sandi di dalam arsip ZIP. Buka dengan kata sandinya lalu taruh isinya "
        "di sini.",
    ),
    "zip_too_large": FaultText(
        "the ZIP archive holds {count} files that unpack from {copied} to {found} MB; at most "
        "{limit} files and {memory} GB are read, and none that grow so much. Unpack it and drop "
        "the exports alone here.",
        "arsip ZIP memuat {count} berkas yang mengembang dari {copied} menjadi {found} MB; paling "
        "banyak {limit} berkas dan {memory} GB yang dibaca, dan tidak yang mengembang sebesar itu. "
        "Buka arsipnya lalu taruh hasil ekspornya saja di sini.",
    ),
    "zip_path": FaultText(
        "its name in the ZIP archive leads out of it, as no survey tool writes it. Pack the "
        "exports anew, or drop them here unpacked.",
        "namanya di dalam arsip ZIP mengarah ke luar arsip, tidak seperti yang ditulis aplikasi "
        "survei. Kemas ulang hasil ekspornya, atau taruh di sini tanpa dikemas.",
    ),
    "zip_twice": FaultText(
        "the ZIP archive holds {count} files of this name. Pack the exports anew, or drop them "
        "here unpacked.",
        "arsip ZIP memuat {count} berkas bernama ini. Kemas ulang hasil ekspornya, atau taruh di "
        "sini tanpa dikemas.",
    ),
    "too_many_columns": FaultText(
        "its header has {found} columns, more than the {limit} that are read; most likely the line "
        "ends were lost. Export it again.",
        "judulnya {found} kolom, lebih dari {limit} yang dapat dibaca; kemungkinan pemisah baris "
        "hilang. Ekspor ulang.",
    ),
    "header_below": FaultText(
        "the headings stand in this row, below rows that look like responses. Move the headings "
        "to row 1.",
        "judul kolom ada di baris ini, di bawah baris yang tampak seperti jawaban. Pindahkan judul "
        "kolom ke baris 1.",
    ),
    "apostrophes": FaultText(
        "its cells stand in apostrophes ('...') instead of quotation marks. Choose quotation marks "
        'or none when exporting (LimeSurvey: "Quote").',
        "selnya diapit apostrof ('...'), bukan tanda kutip ganda. Pilih tanda kutip ganda atau "
        'tanpa tanda saat mengekspor (LimeSurvey: "Kutipan").',
    ),
    "backslashes": FaultText(
        'a quotation mark in a cell is written as \\" where CSV doubles it (""). Choose doubled '
        "quotation marks when exporting, or export as XLSX.",
        'tanda kutip di dalam sel ditulis \\", padahal CSV menggandakannya (""). Pilih tanda kutip '
        "ganda saat mengekspor, atau ekspor sebagai XLSX.",
    ),
    "swallowed": FaultText(
        "the cell of column '{column}' holds {lines} lines that look like whole records: a stray "
        'quotation mark (") opens in it. Take the mark out, or export again.',
        "sel kolom '{column}' memuat {lines} baris yang tampak seperti jawaban utuh: ada tanda "
        'kutip (") lepas di dalamnya. Hapus tanda itu, atau ekspor ulang.',
    ),
    "several_sheets": FaultText(
        "responses stand in several sheets: {sheets}. Put them into one, save each as a file of "
        "its own, or name the one to read in `sheet` of this profile in export_profiles.csv.",
        "jawaban ada di beberapa lembar: {sheets}. Gabungkan, simpan masing-masing sebagai berkas, "
        "atau isi nama lembar yang dibaca di `sheet` profil ini di export_profiles.csv.",
    ),
    "no_headings": FaultText(
        "none of its sheets holds the headings of this profile in export_columns.csv: {sheets}. "
        "Export again, or correct export_columns.csv.",
        "tak satu pun lembarnya memuat judul kolom profil ini di export_columns.csv: {sheets}. "
        "Ekspor ulang, atau betulkan export_columns.csv.",
    ),
    "workbook_limits": FaultText(
        "the workbook can't be read within {memory} GB of memory and {seconds} seconds; most "
        "likely a cell stands far away from the table (Ctrl+End goes there). Copy the table alone "
        "into a new workbook, or save the sheet as CSV UTF-8.",
        "buku kerja tak dapat dibaca dengan memori {memory} GB dan waktu {seconds} detik; "
        "kemungkinan ada sel yang jauh dari tabel (Ctrl+End menuju ke sana). Salin tabelnya saja "
        "ke buku kerja baru, atau simpan lembarnya sebagai CSV UTF-8.",
    ),
    "hidden_errors": FaultText(
        "the workbook holds error cells such as {detail}, and this kind of workbook does not tell "
        "where. Correct them in Excel and save it as XLSX.",
        "buku kerja memuat sel galat seperti {detail}, dan jenis buku kerja ini tak memberi tahu "
        "letaknya. Betulkan di Excel lalu simpan sebagai XLSX.",
    ),
    "undecodable": FaultText(
        "the text is not {encoding} (byte {offset}). Export again as UTF-8, "
        "or name the right `encoding` of this profile in export_profiles.csv.",
        "teks bukan {encoding} (bita ke-{offset}). Ekspor ulang sebagai UTF-8, "
        "atau isi `encoding` yang benar untuk profil ini di export_profiles.csv.",
    ),
    "cut_off": FaultText(
        "the file ends in the middle of this record, or a quotation mark that opens in "
        "it is never closed. Export again and copy the file whole.",
        "berkas terputus di tengah baris ini, atau tanda kutip di dalamnya tidak pernah "
        "ditutup. Ekspor ulang dan salin berkas sampai utuh.",
    ),
    "ragged": FaultText(
        "{found} cells where the header has {expected}. Export again, or correct the "
        "record: a cell that holds the delimiter ({delimiter}) must stand in quotation marks.",
        "{found} sel, padahal judul kolom ada {expected}. Ekspor ulang, atau perbaiki "
        "baris itu: sel yang memuat pemisah ({delimiter}) harus diapit tanda kutip.",
    ),
    "nested": FaultText(
        "the whole record stands inside a single cell, as happens when a spreadsheet "
        "opens a CSV with another delimiter and saves it. Use the tool's own export, not re-saved.",
        "seluruh baris berada di dalam satu sel, seperti bila CSV dibuka dengan pemisah "
        "lain lalu disimpan ulang. Gunakan hasil ekspor asli, jangan disimpan ulang.",
    ),
    "record_too_long": FaultText(
        "a single record of over {limit} MB; most likely a quotation mark is not closed, or it "
        "holds nothing but delimiters. Correct that record or export again.",
        "satu baris lebih dari {limit} MB; mungkin ada tanda kutip yang tidak ditutup, "
        "atau isinya pemisah saja. Perbaiki baris itu atau ekspor ulang.",
    ),
    "repeat_table": FaultText(
        "this is the table of a repeat group (it has _parent_index or PARENT_KEY), without one row "
        "per respondent. Export the form's main table; name its sheet where there are several.",
        "ini tabel grup berulang (memuat _parent_index atau PARENT_KEY), bukan satu baris per "
        "responden. Ekspor tabel utama formulirnya; sebut lembarnya bila ada beberapa.",
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
    "fewer": FaultText(
        "export it again, whole: it holds {found} records, the version before it {before}. If so "
        "few are right, let them in: ./ilk run CYCLE --accept-fewer.",
        "ekspor ulang sampai utuh: berisi {found} jawaban, versi sebelumnya {before}. Bila memang "
        "tinggal sekian, terimalah: ./ilk run SIKLUS --accept-fewer.",
    ),
    "forgotten": FaultText(
        "it holds people who asked to be forgotten, and they can't be taken out of it ({detail}). "
        "Delete their answers in the survey tool and export again, as CSV or XLSX.",
        "berkas memuat orang yang minta datanya dihapus, dan jawabannya tidak dapat dikeluarkan "
        "({detail}). Hapus jawabannya di aplikasi survei lalu ekspor ulang sebagai CSV atau XLSX.",
    ),
    "changing": FaultText(
        "the file changed while it was copied ({listed} bytes before, {copied} copied, {found} "
        "after). Wait until the upload has ended and pull again.",
        "berkas berubah saat disalin ({listed} bita sebelumnya, {copied} tersalin, {found} "
        "sesudahnya). "
        "Tunggu sampai unggahan selesai lalu tarik ulang.",
    ),
    "unreachable": FaultText(
        "the file could not be fetched ({detail}). Check that it may be read, and pull again.",
        "berkas tidak dapat diambil ({detail}). Periksa izin bacanya, lalu tarik ulang.",
    ),
    "kept_damaged": FaultText(
        "its source is away, and what the raw zone kept of it is not what was pulled. Restore "
        "raw/files/{detail} from the backup, or bring the source back, and pull again.",
        "sumbernya tak terjangkau, dan yang disimpan zona mentah darinya bukan lagi yang ditarik. "
        "Pulihkan raw/files/{detail} dari cadangan, atau hidupkan lagi sumbernya, lalu tarik "
        "ulang.",
    ),
    "place_unreachable": FaultText(
        "the place can't be listed ({detail}). Check the location in survey_sources.csv, "
        "ILK_LANDING_URL and the network; the next run asks again.",
        "tempat ini tidak dapat dibuka ({detail}). Periksa lokasinya di survey_sources.csv, "
        "ILK_LANDING_URL, dan jaringan; proses berikutnya mencoba lagi.",
    ),
    "place_denied": FaultText(
        "the place may not be read ({detail}). Correct its key in the environment or in fsspec's "
        "config (docs/sources.md), or have its account given the right to read.",
        "tempat ini tidak boleh dibaca ({detail}). Betulkan kuncinya di lingkungan proses atau di "
        "konfigurasi fsspec (docs/sources.md), atau mintakan hak baca untuk akunnya.",
    ),
    "place_key_form": FaultText(
        "a key is not of the form that it needs ({detail}). Correct {settings} as "
        "docs/sources.md#places has it: digits alone as '\"123456\"', user and password as "
        '\'["user", "password"]\', a key\'s file that is there.',
        "bentuk sebuah kunci keliru ({detail}). Betulkan {settings} menurut "
        "docs/sources.md#places: angka saja ditulis '\"123456\"', nama dan kata sandi "
        '\'["nama", "kata sandi"]\', berkas kunci yang memang ada.',
    ),
    "place_host_key": FaultText(
        "the server shows a host key that nobody vouched for ({detail}). Compare it with what its "
        "owner says, and add it to ~/.ssh/known_hosts (ssh-keyscan writes the line).",
        "server menunjukkan kunci host yang belum dikenal ({detail}). Cocokkan dengan keterangan "
        "pemiliknya, lalu tambahkan ke ~/.ssh/known_hosts (ssh-keyscan menulis barisnya).",
    ),
    "place_extra": FaultText(
        "{scheme}:// needs a package that is not there. Install it: uv sync --extra {extra}.",
        "{scheme}:// memerlukan paket yang belum ada. Pasang dengan uv sync --extra {extra}.",
    ),
    "place_webdav": FaultText(
        "the WebDAV server is not named. Set FSSPEC_WEBDAV_BASE_URL (https://host/folder) and "
        "FSSPEC_WEBDAV_AUTH in the environment of the run.",
        "server WebDAV belum disebut. Isi FSSPEC_WEBDAV_BASE_URL (https://host/folder) dan "
        "FSSPEC_WEBDAV_AUTH di lingkungan proses.",
    ),
    "api_no_access": FaultText(
        "the way into the tool's server is not set. Set {detail} in the environment of the run.",
        "akses ke server aplikasi survei belum diatur. Isi {detail} di lingkungan proses.",
    ),
    "api_unreachable": FaultText(
        "the server does not answer ({detail}). Check {setting} and the network; the next run "
        "asks again.",
        "server tidak menjawab ({detail}). Periksa {setting} dan jaringan; proses berikutnya "
        "meminta lagi.",
    ),
    "api_moved": FaultText(
        "the server sends to another address, at {detail}. Open the address of {setting} in a "
        "browser, and set it to the one where that ends, if it is yours.",
        "server mengalihkan ke alamat lain, di {detail}. Buka alamat {setting} di peramban, lalu "
        "isikan alamat akhirnya bila memang milik Anda.",
    ),
    "api_busy": FaultText(
        "the server ({detail}) asks to be left alone for {minutes} minutes. Run again after them; "
        "if it stays so, ask who runs it to allow more requests.",
        "server ({detail}) minta jangan dihubungi selama {minutes} menit. Jalankan lagi "
        "sesudahnya; bila tetap begitu, minta pengelolanya mengizinkan lebih banyak permintaan.",
    ),
    "api_status": FaultText(
        "the server failed ({detail}). Look into its log, or ask who runs it; the next run asks "
        "again.",
        "server gagal ({detail}). Periksa lognya atau tanyakan pengelolanya; proses berikutnya "
        "meminta lagi.",
    ),
    "api_refused": FaultText(
        "the server does not accept the key (HTTP {detail}). Correct {setting}, or give its "
        "account the right to see the responses.",
        "server menolak kuncinya (HTTP {detail}). Betulkan {setting}, atau beri akunnya hak "
        "melihat jawaban.",
    ),
    "api_not_found": FaultText(
        "the server ({detail}) knows no such survey, or nothing answers there. Correct the "
        "location in survey_sources.csv, or {setting}.",
        "server ({detail}) tidak mengenal survei ini, atau alamatnya keliru. Betulkan lokasinya di "
        "survey_sources.csv, atau {setting}.",
    ),
    "api_no_json": FaultText(
        "what answers is no interface for programs (a web page?). Correct {setting}.",
        "yang menjawab bukan antarmuka untuk program (halaman web?). Betulkan {setting}.",
    ),
    "api_cut": FaultText(
        "the server's answer broke off ({detail}). Run again; if it stays so, raise the server's "
        "limits of memory and time.",
        "jawaban server terputus ({detail}). Jalankan lagi; bila tetap begitu, naikkan batas "
        "memori dan waktu server.",
    ),
    "api_no_ids": FaultText(
        "the server's answer has no '{detail}', by which responses are counted. Tell the "
        "developers which version the server is.",
        "jawaban server tidak memuat '{detail}', dasar penghitungan jawaban. Sampaikan versi "
        "server kepada pengembang.",
    ),
    "api_other_page": FaultText(
        "response {detail} came twice, or was not asked for. Run again; if it stays so, look for a "
        "cache in front of the server.",
        "jawaban {detail} datang dua kali, atau tidak diminta. Jalankan lagi; bila tetap begitu, "
        "periksa tembolok (cache) di depan server.",
    ),
    "api_fewer": FaultText(
        "the server listed {listed} responses and gave {found} of them. Run again when nobody "
        "deletes responses.",
        "server mendaftar {listed} jawaban tetapi memberi {found}. Jalankan lagi saat tidak ada "
        "yang menghapus jawaban.",
    ),
    "api_deleted": FaultText(
        "responses were deleted while they were asked for, so that others may lack. Run again when "
        "nobody deletes responses.",
        "ada jawaban yang dihapus saat diminta, sehingga jawaban lain mungkin terlewat. Jalankan "
        "lagi saat tidak ada yang menghapus jawaban.",
    ),
    "api_count": FaultText(
        "the server counts {listed} responses, and {found} came. Run again; if it stays so, export "
        "the survey by hand and compare.",
        "server menghitung {listed} jawaban, tetapi yang datang {found}. Jalankan lagi; bila tetap "
        "begitu, ekspor survei secara manual lalu bandingkan.",
    ),
    "limesurvey_off": FaultText(
        "the answer is empty: RemoteControl is switched off. Switch on JSON-RPC in LimeSurvey "
        "(Configuration > Global settings > Interfaces).",
        "jawabannya kosong: RemoteControl dimatikan. Nyalakan JSON-RPC di LimeSurvey "
        "(Konfigurasi > Pengaturan global > Antarmuka).",
    ),
    "limesurvey_login": FaultText(
        "LimeSurvey refuses the log-in ({detail}). Correct ILK_LIMESURVEY_USER and "
        "ILK_LIMESURVEY_PASSWORD.",
        "LimeSurvey menolak masuk ({detail}). Betulkan ILK_LIMESURVEY_USER dan "
        "ILK_LIMESURVEY_PASSWORD.",
    ),
    "limesurvey_expired": FaultText(
        "LimeSurvey forgot the session key again right after a new log-in. Check that its sessions "
        "are stored and its clock is right.",
        "LimeSurvey langsung melupakan kunci sesi yang baru. Periksa penyimpanan sesi dan jam "
        "server.",
    ),
    "limesurvey_unknown": FaultText(
        "LimeSurvey knows no such survey, or its user may not see it ({detail}). Correct the "
        "survey id in survey_sources.csv, or give the user of ILK_LIMESURVEY_USER the rights to "
        "view the survey and to export its responses.",
        "LimeSurvey tidak mengenal survei ini, atau penggunanya tak berhak ({detail}). Betulkan id "
        "survei di survey_sources.csv, atau beri pengguna ILK_LIMESURVEY_USER hak melihat survei "
        "dan mengekspor jawabannya.",
    ),
    "limesurvey_inactive": FaultText(
        "the survey is not active, so that LimeSurvey has no responses of it at hand. Activate it, "
        "or, if its cycle is over, set the cycle to final in survey_cycles.csv.",
        "survei tidak aktif, sehingga jawabannya tidak tersedia di LimeSurvey. Aktifkan, atau, "
        "bila siklusnya sudah selesai, jadikan final di survey_cycles.csv.",
    ),
    "limesurvey_status": FaultText(
        "LimeSurvey answers: {detail}. Look for these words in its manual (RemoteControl 2), or "
        "ask who runs it.",
        "LimeSurvey menjawab: {detail}. Cari kata itu di manualnya (RemoteControl 2), atau "
        "tanyakan pengelolanya.",
    ),
    "unreadable": FaultText(
        "the file could not be read ({detail}). Export it again as CSV in UTF-8.",
        "berkas tidak dapat dibaca ({detail}). Ekspor ulang sebagai CSV dengan UTF-8.",
    ),
}

BROKEN_BYTES = FaultText(
    "row {row}, column '{column}': a character is damaged (byte {offset}; {count} in the file), "
    "read as \ufffd. Correct it in the survey tool and export again.",
    "baris {row}, kolom '{column}': ada huruf yang rusak (bita ke-{offset}; {count} dalam berkas), "
    "dibaca sebagai \ufffd. Betulkan di aplikasi survei lalu ekspor ulang.",
)

CUT_NUMBERS = FaultText(
    "row {row}, column '{column}': a number of 16 digits or more, whose last ones Excel cut off as "
    "it was typed as one ({count} in the file). Have the form store it as text, and export "
    "again.",
    "baris {row}, kolom '{column}': angka 16 digit atau lebih, digit terakhirnya dipotong Excel "
    "karena diketik sebagai angka ({count} dalam berkas). Atur formulir agar menyimpannya sebagai "
    "teks, lalu ekspor ulang.",
)

REPEATS = FaultText(
    "not read are its repeat groups, rows of which are no respondents: {detail}.",
    "grup berulangnya tidak dibaca, karena barisnya bukan responden: {detail}.",
)

PASSED_OVER = FaultText(
    "passed over in the ZIP archive, {count} files: {detail}.",
    "dilewati di dalam arsip ZIP, {count} berkas: {detail}.",
)

IDS_UNKNOWN = FaultText(
    "everything was asked for anew, and which responses vanished is not told: what was read from "
    "the last pull is not there any more, or damaged.",
    "semuanya diminta lagi, dan jawaban yang hilang tak dapat disebut: hasil baca tarikan terakhir "
    "tidak ada lagi, atau rusak.",
)

UNFINISHED = FaultText(
    "passed over for now, {count} files that are being uploaded or open in Excel: {detail}.",
    "dilewati dulu, {count} berkas yang sedang diunggah atau dibuka di Excel: {detail}.",
)

URL_WITH_SECRET = FaultText(
    "a password or key stands in the address. Take it out; it belongs into the environment or "
    "fsspec's config (docs/sources.md).",
    "ada kata sandi atau kunci di dalam alamat. Keluarkan; tempatnya di lingkungan proses atau "
    "konfigurasi fsspec (docs/sources.md).",
)

OLDER_STAYS = FaultText(
    " The version pulled at {pulled_at} stays in use.",
    " Versi yang ditarik pada {pulled_at} tetap dipakai.",
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

    `row` is counted as a spreadsheet shows it: the header stands in row 1. `record` takes its place
    where there are no rows: the number of a response, from 1.
    """

    def __init__(
        self, code: str, *, row: int | None = None, record: int | None = None, **details: object
    ) -> None:
        """`details` fill the braces of the fault's sentence."""
        super().__init__(code)
        self.code = code
        self.row = row
        self.record = record
        self.details = details

    def in_english(self, name: str) -> str:
        """Return the sentence for the file `name`, such as `a.csv, row 17: Export again ...`."""
        return self._sentence(name, FAULTS[self.code].remedy_first().en, "row {}", "record {}")

    def in_indonesian(self, name: str) -> str:
        """Return the same sentence in Indonesian."""
        return self._sentence(
            name, FAULTS[self.code].remedy_first().id, "baris {}", "jawaban ke-{}"
        )

    def _sentence(self, name: str, text: str, row: str, record: str) -> str:
        place = name if self.row is None else f"{name}, {row.format(self.row)}"
        if self.record is not None:
            place += f", {record.format(self.record)}"
        return f"{place}: {text.format(**self.details)}"
