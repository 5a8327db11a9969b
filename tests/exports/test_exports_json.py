"""JSON as survey tools' servers answer: every record lands as text, or a sentence says why not."""

import json
import subprocess
import sys
from datetime import datetime

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.clearing import clear
from orchestration.exports.erasure import MARK
from orchestration.exports.faults import ExportFault
from orchestration.exports.json_reader import parts, read_json
from orchestration.exports.reading import read_export
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.store import store_bytes


def fault_of(read, content) -> ExportFault:
    with pytest.raises(ExportFault) as caught:
        read(content)
    for sentence in (caught.value.in_english("a.json"), caught.value.in_indonesian("a.json")):
        assert "{" not in sentence.replace("{newline}", "")
    return caught.value


def page(*records: dict, count: int | None = None, after: str | None = None) -> str:
    count = len(records) if count is None else count
    return json.dumps({"count": count, "next": after, "previous": None, "results": [*records]})


def test_groups_are_columns_repeats_stay_json_and_an_absent_key_is_an_empty_cell(read):
    reading, cells = read(
        page(
            {"_id": 7, "group": {"q1": "5", "inner": {"q2": None}}, "kids": [{"kids/name": "A"}]},
            {"_id": 8, "q3": True, "kids": [], "tags": {}},
        )
    )
    assert reading.header.names == ("_id", "group/q1", "group/inner/q2", "kids", "q3", "tags")
    assert cells == [
        ["7", "5", "", '[{"kids/name": "A"}]', "", ""],
        ["8", "", "", "", "true", ""],
    ]
    assert (reading.header.rows, reading.encoding, reading.delimiter) == (0, "json", "")


def test_numbers_stay_as_they_stand(read):
    _, cells = read('[{"nip": 198501012010011001, "score": 4.50, "big": 1E5}]')
    assert cells == [["198501012010011001", "4.50", "1E5"]]


def test_a_list_stays_as_it_stands_numbers_and_texts_that_look_like_them_too(read):
    text = (
        '[-6.2000, 106.80, 1E5, 198501012010011001, "4", true, null, '
        '{"né\\"": [1, "1"], "b": {}}, []]'
    )
    assert read(f'[{{"point": {text}}}]')[1] == [[text]]


@pytest.mark.parametrize("depth", [50, 600, 950, 985, 1200])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_what_lies_deeper_than_can_be_followed_is_read_or_refused(read, brackets, depth):
    opening, closing = brackets
    try:
        _, cells = read(f'[{{"a": {opening * depth}1{closing * depth}}}]')
    except ExportFault as fault:
        assert (fault.code, depth > 50) == ("json_broken", True)
    else:
        assert len(cells) == 1


@pytest.mark.parametrize(
    "content",
    [
        '{"responses": [{"id": 1, "q": "Y"}, {"id": 2, "q": ""}]}',
        '{"responses": [{"1": {"id": "1", "q": "Y"}}, {"2": {"id": "2", "q": ""}}]}',
        '\ufeff [ {"id": 1, "q": "Y"} , {"id": 2} ] \n',
        '{"@odata.context": "x", "value": [{"id": 1, "q": "Y"}, {"id": 2}], "@odata.count": 2}',
    ],
)
def test_every_servers_list_of_records_is_found(read, content):
    reading, cells = read(content)
    assert (reading.header.names, cells) == (("id", "q"), [["1", "Y"], ["2", ""]])


def test_pages_one_after_the_other_are_one_export(read):
    first = page({"_id": 1}, {"_id": 2}, count=3, after="https://kobo/?start=2")
    reading, cells = read(first + "\n" + page({"_id": 3, "q": "x"}, count=3))
    assert cells == [["1", ""], ["2", ""], ["3", "x"]]
    assert reading.record_count == 3


@pytest.mark.parametrize("counts", [(2, 3), (3, 4), (4, 3)])
def test_a_response_that_came_in_or_went_between_two_pages_may_be_there_or_not(read, counts):
    first = page({"_id": 1}, {"_id": 2}, count=counts[0], after="https://kobo/?start=2")
    reading, _ = read(first + page({"_id": 3}, count=counts[1]))
    assert reading.record_count == 3


@pytest.mark.parametrize(
    ("content", "found", "count"),
    [
        (page({"_id": 1}, count=1_001, after="https://kobo/?start=1000"), 1, "1001"),
        (page({"_id": 1}, count=2), 1, "2"),
        (page({"_id": 1}, count=2, after="x") + page({"_id": 2}, {"_id": 2}, count=2), 3, "2"),
        (page({"_id": 1}, count=3, after="x") + page({"_id": 2}, count=4), 2, "4"),
        (page({"_id": 1}, count=3, after="x") + page(*[{"_id": 2}] * 4, count=4), 5, "4"),
        ('{"value": [{"a": 1}], "@odata.nextLink": "x"}', 1, "?"),
        ('{"value": [{"a": 1}], "@odata.count": "1 of 2"}', 1, "1 of 2"),
    ],
)
def test_a_page_that_is_not_all_is_refused_with_both_counts(read, content, found, count):
    fault = fault_of(read, content)
    assert fault.code == "json_page"
    assert fault.details == {"found": found, "count": count}


@pytest.mark.parametrize(
    ("content", "code", "record"),
    [
        ('{"result": {"status": "Invalid session key"}, "id": 3}', "json_without_records", None),
        ('[{"a": 1}, 5]', "json_no_record", 2),
        ('[{"a": 1}, {"a": "cut', "json_broken", 2),
        ('[{"a": 1}, {"a": 2', "json_broken", 2),
        ('[{"a": 1} {"a": 2}]', "json_broken", 1),
        ('[{"a": 1},]', "json_broken", 2),
        ('{"results": [{"a": 1}]', "json_broken", 1),
        ('[{"a": 1}] <html>', "json_broken", 1),
        ('[{"a": ' + "[" * 100_000, "json_broken", 1),
        ("[" * 100_000, "json_broken", 1),
        ('[{"a": 1, "b": 2, "a": 3}]', "json_repeated_key", 1),
        ('[{"a": 1}, {"g": {"a": 1}, "g/a": 2}]', "json_repeated_key", 2),
        ('[{"a": "x' + chr(92) + 'u0000"}]', "binary", None),
        (b'[{"a": "\xe9"}]', "undecodable", None),
        ("[]", "header_only", None),
        ('{"count": 0, "next": null, "results": []}', "header_only", None),
        ('[{"a": "' + "x" * (11 << 20) + '"}]', "record_too_long", 1),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_whole_export_is_refused_with_the_number_of_the_record(
    read, content, code, record
):
    fault = fault_of(read, content)
    assert (fault.code, fault.record) == (code, record)
    if record:
        assert fault.in_english("a.json").startswith(f"a.json, record {record}: ")
        assert fault.in_indonesian("a.json").startswith(f"a.json, jawaban ke-{record}: ")


def test_half_of_a_character_is_read_as_damaged(read):
    assert read('[{"a": "x' + chr(92) + 'ud83d!"}]')[1] == [["x\ufffd!"]]


KEYS = st.sampled_from(["id", "q1", "group/q2", "Q1", " ", "17"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=5), st.data())
def test_any_json_ends_in_a_table_or_a_fault(tmp_path_factory, records, data):
    text = data.draw(st.sampled_from([json.dumps(records), page(*records)]))
    content = text.encode()
    at = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.sampled_from(["none", "cut", "stray"]))
    if damage == "cut":
        content = content[:at]
    if damage == "stray":
        stray = data.draw(st.sampled_from([b'"', b"{", b"]", b",", b"\xff", b"\0", b"0"]))
        content = content[:at] + stray + content[at:]
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    try:
        table = read_json(path, ReaderSettings())
        numbers = [number for _, rows in table.batches for number in rows.to_pylist()]
    except ExportFault:
        assert damage != "none" or "group/q2" in text or '"17"' in text or "u0000" in text
        return
    with path.open("rb") as file:
        assert "".join(part.text for part in parts(file)) == content.decode()
    if damage == "none":
        assert numbers == [*range(1, len(records) + 1)]


def test_a_forgotten_persons_record_is_taken_out_and_no_other_one_moves(tmp_path):
    source = tmp_path / "source"
    source.write_text(
        '{"count": 3, "results": [\n {"nip": "1", "g": {"q": "5"}, "a": 1, "b": 2, "c": 3, "d": 4},'
        '\n {"nip": "2", "only": "x", "a": 5, "b": 6},'
        '\n {"q": "4.50", "nip": "3", "c": 7, "d": 8}]}',
        encoding="utf-8",
    )
    with source.open("rb") as file:
        stored = store_bytes(tmp_path / "raw", file)
    target = tmp_path / f"{stored.sha256}.parquet"
    told = {"profile_id": "p", "pulled_at": datetime(2025, 12, 1)}
    read_export(stored, target, settings=ReaderSettings(), **told)
    for erased in (1, 2):
        cleared, reading = clear(
            tmp_path / "raw", target, records={erased: {str(erased)}}, encoding="json",
            delimiter="", engine=BoundedEngine("1GB", tmp_path / "spilled"), **told,
        )  # fmt: skip
        assert reading.record_count == 2
        assert MARK in cleared.path.read_text(encoding="utf-8")
        assert f'"nip": "{erased}"' not in cleared.path.read_text(encoding="utf-8")
        rows = pyarrow.parquet.read_table(tmp_path / f"{cleared.sha256}.parquet").to_pylist()
        assert [row["_source_row"] for row in rows] == [n for n in (1, 2, 3) if n != erased]


def test_many_records_are_read_in_bounded_memory(tmp_path):
    path = tmp_path / "many.json"
    record = {f"group/question_{n}": "an answer" for n in range(40)}
    text = json.dumps(record)[1:]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"count": 30000, "next": null, "results": [')
        file.write(",".join(f'{{"_id": {n}, {text}' for n in range(30_000)))
        file.write("]}")
    code = (
        "import resource, sys; from pathlib import Path;"
        "from orchestration.exports.json_reader import read_json;"
        "from orchestration.exports.seed_files import ReaderSettings;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "table = read_json(Path(sys.argv[1]), ReaderSettings());"
        "print(sum(batch.num_rows for batch, _ in table.batches),"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    count, kilobytes = map(int, ran.stdout.split())
    assert count == 30_000
    assert kilobytes < 100_000 < path.stat().st_size
