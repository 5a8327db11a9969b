"""Delimited text: what is told by content, and each way in which a file is refused."""

import duckdb
import pytest

from orchestration.engine_macros import EngineMacros
from orchestration.exports.csv_reader import read_csv
from orchestration.exports.faults import FAULTS, ExportFault
from orchestration.exports.headers import WHITE_SPACE, fold
from orchestration.exports.seed_files import ReaderSettings
from orchestration.settings import REPOSITORY


def fault_of(read, content, **settings):
    with pytest.raises(ExportFault) as caught:
        read(content, **settings)
    return caught.value


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_content(read, delimiter):
    rows = ["a, b; c|d\te", "unit", "note"], ["1", "x,y", "p;q"], ["2", "z", "r|s\tt"]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    reading, cells = read(text)
    assert (reading.delimiter, cells) == (delimiter, [list(row) for row in rows[1:]])


def test_unquoted_commas_in_the_questions_of_a_semicolon_file_mislead_nobody(read):
    reading, cells = read("Fast, fair, free?;Polite, kind?\n5;4\n3,5;2\n")
    assert reading.delimiter == ";"
    assert cells == [["5", "4"], ["3,5", "2"]]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "nama,catatan\nSiti,“puas” – sekali\n"),
        ("utf-8-sig", "nama,catatan\nSiti,“puas”\n"),
        ("utf-16", "nama,catatan\nSiti,“puas”\n"),
        ("cp1252", "nama,catatan\nRené,déjà vu – naïve\n"),
        ("cp949", "이름,서비스 만족도는 어떻습니까\n김철수,매우 만족합니다 감사합니다\n"),
    ],
)
def test_the_encoding_is_told_by_content(read, encoding, text):
    reading, cells = read(text.encode(encoding))
    header, record = (line.split(",") for line in text.splitlines())
    assert (reading.encoding, list(reading.header.names), cells) == (encoding, header, [record])


def test_a_stray_byte_far_below_the_sample_makes_the_whole_file_cp1252(read):
    rows = b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(20_000))
    reading, cells = read(b"id,note\n" + rows + b"20000,caf\xe9\n")
    assert reading.encoding == "cp1252"
    assert cells[-1] == ["20000", "café"]


def test_a_profile_overrides_delimiter_and_encoding(read):
    reading, cells = read("id^Größe\n1^ä\n".encode("latin-1"), delimiter="^", encoding="iso8859-1")
    assert (reading.delimiter, reading.encoding) == ("^", "iso8859-1")
    assert list(reading.header.names) == ["id", "Größe"]
    assert cells == [["1", "ä"]]


def test_line_breaks_in_cells_doubled_quotes_and_a_trailing_empty_line_are_normal(read):
    reading, cells = read(b'\xef\xbb\xbf"id";"note"\r\n"1";"one\ntwo ""quoted"""\r\n\r\n')
    assert cells == [["1", 'one\ntwo "quoted"']]
    assert reading.record_count == 1


def test_a_quotation_mark_inside_an_unquoted_cell_is_data(read):
    assert read('id,size\n1,5" pipe\n2,x\n')[1] == [["1", '5" pipe'], ["2", "x"]]


def test_names_that_repeat_for_duckdb_or_are_blank_or_the_landings_own_stay_apart(read):
    reading, _ = read("Q,q,Q [2],,\xa0,_source_row\n1,2,3,4,5,6\n")
    expected = ("Q", "q [2]", "Q [2] [2]", "column 4", "column 5", "_source_row [2]")
    assert reading.header.names == expected


def test_folded_names_lose_runs_of_white_space(read):
    reading, _ = read('" How\xa0 \nfast? ",b\n1,2\n')
    assert reading.header.names[0] == " How\xa0 \nfast? "
    assert reading.header.folded_names[0] == "How fast?"


def test_three_qualtrics_rows_are_one_header(read):
    ids = '"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"'
    text = f'Q1,Q2\n"Fast?\nReally?",Kind?\n{ids}\n5,4\n'
    reading, cells = read(text)
    assert (reading.header.names, reading.header.rows, cells) == (("Q1", "Q2"), 3, [["5", "4"]])


def test_a_qualtrics_column_is_known_by_its_tag_or_its_import_id(read):
    ids = "{'ImportId': 'QID1'}", '{"ImportId":"QID2","choiceId":"1"}', '{"ImportId":"startDate"}'
    rows = [["Q1", "Q2", "StartDate"], ["Fast?", "Kind?", "Start Date"], [*ids], ["5", "4", "x"]]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    for known, names in (
        ({"qid1", "startdate"}, ("QID1", "Q2", "StartDate")),
        ({"q1", "qid1", "qid2"}, ("Q1", "QID2", "StartDate")),
        ({"qid1", "qid2"}, ("QID1", "QID2", "StartDate")),
    ):
        reading, _ = read(text, headings=frozenset(known))
        assert (reading.header.names, reading.header.rows) == (names, 3)
        assert reading.header.texts == ("Fast?", "Kind?", "Start Date")


@pytest.mark.parametrize(
    "headings",
    ["ID Respon,Tanggal kirim,Halaman,Bahasa,Puas?", "id. Response ID,submitdate. x,a,b,Q1. Puas?"],
)
def test_question_texts_as_limesurveys_headings_are_refused_in_any_language(read, headings):
    content = f"{headings}\n1,2025-10-02 08:00:00,3,id,Baik\n2,,,en,\n"
    assert fault_of(read, content).code == "limesurvey_headings"


def test_a_form_that_begins_with_numbers_and_times_is_no_limesurvey(read):
    content = "No,Waktu,Usia,Puas?\n1,2025-10-02 08:00:00,30,ya\n2,2025-10-02 08:00:00,31,tdk\n"
    assert read(content)[0].record_count == 2


def test_na_or_yes_alone_are_answers_and_both_in_a_limesurvey_export_its_whole_texts(read):
    header = "id,submitdate,startlanguage,q1,q2\n"
    assert read(header + "1,,id,N/A,A1\n2,,id,N/A,A2\n")[0].record_count == 2
    assert read(header + "1,,id,Ya,A1\n2,,id,Tidak,A2\n")[0].record_count == 2
    assert fault_of(read, header + "1,,id,Ya,N/A\n2,,id,Tidak,A2\n3,,id,,N/A\n").code == (
        "limesurvey_answers"
    )


def test_two_surveymonkey_rows_become_question_and_choice(read):
    text = "RespondentID,Which?,,Age\n,Bus,Train,Response\n11,Bus,,30\n12,,Train,\n"
    reading, cells = read(text)
    assert reading.header.names == ("RespondentID", "Which?: Bus", "Which?: Train", "Age")
    assert cells == [["11", "Bus", "", "30"], ["12", "", "Train", ""]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf \r\n\r\n", "empty_file"),
        (b"\n" * 10_000, "empty_file"),
        (b"id,unit\r\n", "header_only"),
        (b"id,unit", "header_only"),
        (b"\n<!DOCTYPE html><html><body>Login</body></html>", "html_page"),
        (b"<HTML>\n<title>x</title>", "html_page"),
        (b"$FL2@(#) SPSS DATA FILE", "bad_sav"),
        (b"%PDF-1.7\n", "binary"),
        (b"id,unit\n1,a\x00b\n", "binary"),
        (b"PK\x03\x04 no workbook", "bad_workbook"),
        (b'"id,unit,q1"\n"1,A,5"\n"2,B,4"\n', "nested"),
        (b'id,unit,q1\n1,A,5\n"2,B,4"\n', "nested"),
        (b",All,Men\nHow fast?,,\n,Fast,37%\n,Slow,63%\n", "summary_table"),
        (b"id,unit\n1,\x81\xff\n", "undecodable"),
        (b"name,PARENT_KEY,KEY\nA,uuid:1,uuid:1/kid[1]\n", "repeat_table"),
        (b'"name";"_index";"_parent_index"\n"A";"1";"1"\n', "repeat_table"),
    ],
)
def test_what_is_no_export_is_refused_with_its_own_fault(read, content, code):
    assert fault_of(read, content).code == code


def test_a_ragged_record_is_named_with_its_counts(read):
    fault = fault_of(read, 'id,unit,"no\nte"\n1,A,x\n2,B,"y\ny"\n3,C\n4,D,z\n')
    assert fault.in_english("a.csv") == (
        "a.csv, row 4: Export again, or correct the record: a cell that holds the delimiter (,) "
        "must stand in quotation marks – 2 cells where the header has 3."
    )
    assert fault.in_indonesian("a.csv").startswith("a.csv, baris 4: Ekspor ulang, atau perbaiki")


@pytest.mark.parametrize(
    "tail",
    [b'3,C,"cut in a ce', b'3,"C', b'3,C,"ends with a doubled quote""', b"3,C"],
)
def test_a_file_cut_off_is_refused_whole(read, tmp_path, tail):
    fault = fault_of(read, b"id,unit,note\n1,A,x\n2,B,y\n" + tail)
    assert (fault.code, fault.row) == ("cut_off", 4)
    assert not (tmp_path / "export.parquet").exists()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_quote_never_closed_in_the_last_column_swallows_nothing_silently(read):
    fault = fault_of(read, 'id,note\n1,5" pipe\n2,"open\n3,x\n4,y\n')
    assert (fault.code, fault.row) == ("cut_off", 3)


def test_a_header_cut_off_is_named(read):
    fault = fault_of(read, 'id,"unit')
    assert (fault.code, fault.row) == ("cut_off", 1)


def test_a_line_of_delimiters_alone_is_refused_before_its_cells_are_counted(tmp_path):
    """200 million of them took 3.5 GB; a line of another width above it is told first."""
    path = tmp_path / "commas.csv"
    for above, told in (("2,x", ("record_too_long", 4)), ("2", ("ragged", 3))):
        path.write_text(f"id,note\n1,x\n{above}\n" + "," * (1 << 20) + "\n", encoding="utf-8")
        with pytest.raises(ExportFault) as caught:
            list(read_csv(path, ReaderSettings(), block_bytes=1 << 16).batches)
        assert (caught.value.code, caught.value.row) == told


def test_a_record_longer_than_a_block_is_named(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("id,note\n1,x\n2," + "y" * 500 + "\n3,z\n", encoding="utf-8")
    with pytest.raises(ExportFault) as caught:
        list(read_csv(path, ReaderSettings(), block_bytes=64).batches)
    assert (caught.value.code, caught.value.row) == ("record_too_long", 3)


def test_every_fault_has_two_sentences_with_the_same_blanks():
    blanks = "detail sheet sheets encoding offset found expected delimiter limit original column "
    details = dict.fromkeys(
        (
            blanks + "lines memory listed copied seconds before keys count hidden words setting "
            "settings scheme extra minutes"
        ).split(),
        "‹›",
    )
    for code, text in FAULTS.items():
        english, indonesian = text.en.format(**details), text.id.format(**details)
        assert english.count("‹›") == indonesian.count("‹›"), code
        assert english.rstrip().endswith("."), code
        assert indonesian.rstrip().endswith("."), code


def test_the_warehouse_folds_the_blanks_of_headings_as_the_landing_does():
    texts = [f"{mark} a{mark}\u00a0{mark}b {mark}" for mark in map(chr, range(1, 0x10000))
             if not 0xD800 <= ord(mark) <= 0xDFFF]  # fmt: skip
    folded = EngineMacros(REPOSITORY / "dbt_project").fold_blanks("text")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {folded} from (select unnest(?::varchar[]) as text)", [texts]
        ).fetchall()
    assert [text for (text,) in found] == list(map(fold, texts))
    assert {mark for mark in map(chr, range(0x10000)) if mark.isspace()} < set(WHITE_SPACE)
    assert fold("\ufeffNIP\u200b \n(18\u00a0angka)") == "NIP (18 angka)"
