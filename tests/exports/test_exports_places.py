"""Places on loopback that exports are pulled from for real, and each way in which they fail."""

import hashlib
import io
import shutil
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import fsspec
import pyarrow.parquet
import pytest
import s3fs
from exports_cases import CYCLE, Cycle
from place_servers import CANARY, USER, SftpServer, WebServer, s3_server, webdav_server
from pydantic import ValidationError

from expectations.seeds import ContradictorySeedsError, demand_agreement
from orchestration.exports import places, pulling
from orchestration.exports.freshness import stale_sources
from orchestration.exports.place_urls import holds_secret, public_name, without_secrets
from orchestration.exports.registry import SCHEMA, Registry
from orchestration.exports.seed_files import SeedError, read_sources
from orchestration.exports.sources import SourceError, list_cycle
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
from tests.conftest import SAMPLE_SEEDS
from tests.small_cycle import HEADER, SmallCycle, row

GOOD = b"id,unit\n1,A\n2,B\n"
BETTER = b"id,unit\n1,A\n2,B\n3,C\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(places, "WAITS", (0.01, 0.01))
    yield
    places._connections.clear()


@pytest.fixture(autouse=True)
def no_secret_turns_up(request, tmp_path, capfd, caplog):
    """Neither in what is said nor in what is kept."""
    yield
    cycle = request.node.funcargs.get("cycle")
    said = [*cycle.progress, str(cycle.registry())] if cycle else []
    captured = capfd.readouterr()
    assert CANARY not in "\n".join((*said, captured.out, captured.err, caplog.text))
    kept = [path for path in (tmp_path / "raw").rglob("*") if path.is_file()]
    assert not any(CANARY.encode() in path.read_bytes() for path in kept)


@pytest.fixture(scope="module")
def s3_endpoint():
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint, monkeypatch, tmp_path):
    """A bucket of the test's own, through which s3fs is led by fsspec's config."""
    config = {"key": USER, "secret": CANARY, "endpoint_url": s3_endpoint}
    monkeypatch.setitem(fsspec.config.conf, "s3", config)
    bucket = "".join(letter for letter in tmp_path.name if letter.isalnum())[-40:].lower()
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    files.mkdir(bucket)
    files.bucket = bucket
    return files


def uses(cycle: Cycle, *locations: str, of_profile: tuple[str, ...] = ()) -> None:
    cycle.seed(*of_profile, locations=locations)


def test_objects_are_pulled_from_s3_changed_and_withdrawn(cycle, s3):
    uses(cycle, f"s3://{s3.bucket}/survey/*.csv")
    folder = f"{s3.bucket}/survey"
    s3.pipe({f"{folder}/a.csv": GOOD, f"{folder}/b.csv": BETTER, f"{folder}/deeper/c.csv": GOOD})
    report = cycle.pull()
    assert report.new == (f"s3://{folder}/a.csv", f"s3://{folder}/b.csv")
    assert report.records_read == 5
    assert cycle.pull().unchanged == report.new
    s3.pipe(f"{folder}/a.csv", GOOD.replace(b"B", b"C"))  # as long as before
    s3.rm(f"{folder}/b.csv")
    report = cycle.pull()
    assert report.superseded == (f"s3://{folder}/a.csv",)
    assert report.withdrawn == (f"s3://{folder}/b.csv",)
    counts = {"new": 0, "changed": 1, "unchanged": 0, "withdrawn": 1, "refused": 0}
    assert report.counts == {f"s3://{folder}/*.csv": counts}


def test_the_landing_may_be_a_bucket(tmp_path, s3):
    cycle = Cycle(tmp_path, landing=f"s3://{s3.bucket}/landing")
    s3.pipe(f"{s3.bucket}/landing/{CYCLE}/gform/a.csv", GOOD)
    s3.pipe(f"{s3.bucket}/landing/{CYCLE}/gform/b.csv.filepart", GOOD)
    s3.pipe(f"{s3.bucket}/landing/{CYCLE}/elsewhere/c.csv", GOOD)
    report = cycle.pull()
    assert report.new == (f"{CYCLE}/gform/a.csv",)
    assert report.unclaimed == (f"{CYCLE}/elsewhere/c.csv",)
    assert report.unfinished == (f"{CYCLE}/gform/b.csv.filepart",)
    assert any("gform/b.csv.filepart" in line for line in cycle.progress)


def test_a_place_that_is_down_is_refused_and_the_others_go_on(cycle, s3, monkeypatch):
    location = f"s3://{s3.bucket}/*.csv"
    uses(cycle, location, of_profile=("msform",))
    s3.pipe(f"{s3.bucket}/a.csv", GOOD)
    cycle.drop("msform/m.csv", BETTER)
    cycle.pull()
    before = cycle.in_use()
    cycle.drop("msform/n.csv", BETTER.replace(b"C", b"D"))
    monkeypatch.setitem(fsspec.config.conf["s3"], "endpoint_url", "http://127.0.0.1:1")
    report = cycle.pull()
    assert report.new == (f"{CYCLE}/msform/n.csv",)
    (refusal,) = report.refused
    assert (refusal.name, refusal.code) == (location, "place_unreachable")
    assert refusal.message.startswith(f"{location}: Check the location in survey_sources.csv")
    assert refusal.message.endswith("stays in use.")
    assert refusal.message_id.endswith("tetap dipakai.")
    assert report.withdrawn == () and set(before) < set(cycle.in_use())
    assert report.counts[location] == {
        **{"new": 0, "changed": 0, "withdrawn": 0},
        **{"unchanged": 1, "refused": 1},
    }
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1"):
        cycle.landing = f"s3://{s3.bucket}"
        cycle.pull()


@pytest.fixture
def sftp(tmp_path, monkeypatch):
    folder = tmp_path / "sftp"
    (folder / "survey").mkdir(parents=True)
    with SftpServer(folder).running() as server:
        known = tmp_path / "known_hosts"
        known.write_text(server.known_host(), encoding="utf-8")
        config = {"password": CANARY, "known_hosts": str(known), "config": None}
        monkeypatch.setitem(fsspec.config.conf, "sftp", config)
        yield server


def test_files_are_pulled_from_sftp(cycle, sftp):
    uses(cycle, f"{sftp.url}/survey/*.csv")
    (sftp.folder / "survey" / "a #1.csv").write_bytes(GOOD)
    (sftp.folder / "survey" / "linked.csv").symlink_to("b")
    (sftp.folder / "survey" / "b").write_bytes(BETTER)
    names = (f"{sftp.url}/survey/a #1.csv", f"{sftp.url}/survey/linked.csv")
    assert cycle.pull().new == names
    assert cycle.pull().unchanged == names
    (sftp.folder / "survey" / "a #1.csv").write_bytes(BETTER.replace(b"C", b"D"))
    assert cycle.pull().superseded == names[:1]


@pytest.mark.parametrize("known", ["", None])
def test_a_host_whose_key_nobody_vouched_for_is_refused(cycle, sftp, known, monkeypatch, tmp_path):
    (tmp_path / "nobody").write_text("", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    known = str(tmp_path / "nobody") if known == "" else known  # None would trust all of them
    monkeypatch.setitem(fsspec.config.conf["sftp"], "known_hosts", known)
    uses(cycle, f"{sftp.url}/survey/*.csv")
    (refusal,) = cycle.pull().refused
    assert refusal.code == "place_host_key"
    assert "~/.ssh/known_hosts" in refusal.message and "~/.ssh/known_hosts" in refusal.message_id
    assert sftp.reads == 0


def test_a_wrong_password_is_a_sentence_and_not_tried_again(cycle, sftp, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf["sftp"], "password", "another")
    monkeypatch.setattr(places, "WAITS", (60.0,))
    uses(cycle, f"{sftp.url}/survey/*.csv")
    (refusal,) = cycle.pull().refused
    assert refusal.code == "place_denied"


@pytest.mark.parametrize(
    ("url", "setting", "value", "detail"),
    [
        ("webdav://a/*", "auth", ["ilk"], "index out of range"),
        ("webdav://a/*", "auth", ["ilk", 123456], "a number"),
        ("webdav://a/*", "auth", "ilk", "Invalid"),
        ("sftp://u@127.0.0.1:1/a/*", "password", 123456, "a number"),
        ("sftp://u@127.0.0.1:1/a/*", "username", 123456, "a number"),
        ("sftp://u@127.0.0.1:1/a/*", "client_keys", ["/nowhere"], "No such file"),
        ("s3://b/*", "secret", 123456, "a number"),
    ],
)
def test_a_key_of_the_wrong_form_is_blamed_on_its_setting_and_not_tried_again(
    cycle, monkeypatch, url, setting, value, detail
):
    monkeypatch.setattr(places, "WAITS", (60.0,))
    scheme = url.partition(":")[0]
    config = {setting: value, "rekey_seconds": 60}
    if scheme == "webdav":
        config = {setting: value, "base_url": "http://127.0.0.1:1/x"}
    monkeypatch.setitem(fsspec.config.conf, scheme, config)
    uses(cycle, url)
    (refusal,) = cycle.pull().refused
    assert refusal.code == "place_key_form"
    for message in (refusal.message, refusal.message_id):
        assert f" FSSPEC_{scheme}_{setting} ".upper() in message
        assert detail in message and "docs/sources.md#places" in message
        assert "123456)" not in message


def test_a_copy_that_breaks_off_leaves_nothing_and_is_tried_anew(cycle, sftp):
    uses(cycle, f"{sftp.url}/survey/*.csv", of_profile=("msform",))
    cycle.drop("msform/m.csv", GOOD)
    large = b"id,unit\n" + b"".join(b"%d,A\n" % number for number in range(200_000))
    (sftp.folder / "survey" / "large.csv").write_bytes(large)
    sftp.breaks_off = True
    report = cycle.pull()
    assert report.new == (f"{CYCLE}/msform/m.csv",)
    (refusal,) = report.refused
    assert (refusal.name, refusal.code) == (f"{sftp.url}/survey/large.csv", "unreachable")
    assert sftp.reads >= 3
    assert len(list((cycle.raw_dir / "files").iterdir())) == 1
    sftp.breaks_off = False
    assert cycle.pull().records_read == 200_000


def test_files_are_pulled_from_webdav(cycle, tmp_path, monkeypatch):
    folder = tmp_path / "dav" / "survey 2025"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(GOOD)
    uses(cycle, "webdav://survey 2025/*.csv")
    (refusal,) = cycle.pull().refused
    assert "FSSPEC_WEBDAV_BASE_URL" in refusal.message
    with webdav_server(tmp_path / "dav") as url:
        config = {"base_url": url, "auth": [USER, CANARY]}
        monkeypatch.setitem(fsspec.config.conf, "webdav", config)
        assert cycle.pull().new == ("webdav://survey 2025/a.csv",)
        (folder / "a.csv").write_bytes(BETTER)
        (folder / "b.csv").write_bytes(GOOD)
        report = cycle.pull()
        assert report.superseded == ("webdav://survey 2025/a.csv",)
        assert report.new == ("webdav://survey 2025/b.csv",)
        config["auth"] = [USER, "another"]
        (refusal,) = cycle.pull().refused
        assert refusal.code == "place_denied"


@pytest.fixture
def web(monkeypatch):
    monkeypatch.setattr(places, "SILENT_SECONDS", 0.3)
    with WebServer().running() as server:
        yield server


def test_a_published_sheet_is_pulled_through_its_redirect(cycle, web):
    """Who has its address has the answers: it stands in no sentence and in no record."""
    path = f"/d/e/{CANARY}/pub?gid=0&single=true&output=csv"
    location = f"{web.url}{path}"
    name = f"{web.url}/...#{hashlib.sha256(location.encode()).hexdigest()[:8]}"
    web.moved[path] = f"/now?at={CANARY}"
    web.pages[f"/now?at={CANARY}"] = GOOD
    uses(cycle, location)
    assert cycle.pull().new == (name,)
    web.pages[f"/now?at={CANARY}"] = BETTER
    assert cycle.pull().superseded == (name,)
    assert {(row["name"], row["source"]) for row in cycle.registry()} == {(name, name)}
    web.statuses[f"/now?at={CANARY}"] = 403
    (refusal,) = cycle.pull().refused
    assert refusal.code == "place_denied" and "stays in use" in refusal.message
    assert web.url in refusal.message and CANARY not in refusal.message + refusal.message_id
    del web.moved[path]
    report = cycle.pull()  # 404: it may be away, or its address wrong
    assert (report.missing_sources, report.withdrawn) == ((name,), ())


def test_a_scheme_in_capitals_is_the_same_scheme(cycle, web, monkeypatch):
    web.pages["/A.csv"] = GOOD
    uses(cycle, f"{web.url.replace('http', 'HTTP')}/A.csv")
    assert cycle.pull().new == (public_name(f"{web.url}/A.csv"),)
    monkeypatch.setenv("ILK_LANDING_URL", "S3://Bucket/landing")
    assert Settings().landing == "s3://Bucket/landing"


def test_what_was_pulled_under_its_address_is_the_same_file_under_its_name(cycle, web):
    """Registries of earlier versions hold addresses, those of archives with members behind them."""
    sheet, archive = f"{web.url}/{CANARY}/pub?output=csv", f"{web.url}/{CANARY}/all?dl=1"
    web.pages |= {f"/{CANARY}/pub?output=csv": GOOD, f"/{CANARY}/all?dl=1": zipped(BETTER)}
    uses(cycle, sheet, archive)
    names = cycle.pull().new
    assert set(names) == {public_name(archive) + "/in it.csv", public_name(sheet)}
    address = {public_name(sheet): sheet, public_name(archive): archive}
    rows = []
    for now in cycle.registry():
        source = address[now["source"]]
        name = now["name"].replace(now["source"], source)
        rows.append({**now, "source": source, "name": name, "message": f"{name}: {source}"})
    old = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
    pyarrow.parquet.write_table(old, cycle.raw_dir / "export_files.parquet")
    assert CANARY in str(cycle.registry())
    report = cycle.pull()
    assert (set(report.unchanged), report.new, report.withdrawn) == (set(names), (), ())
    assert sorted(cycle.in_use()) == sorted(names) and len(cycle.registry()) == 2


def test_of_new_files_on_the_web_the_later_address_has_the_last_word(cycle, web):
    paths = [f"/list/{number}.csv" for number in range(8, 13)]
    web.pages |= {path: GOOD + b"3," + path.encode() + b"\n" for path in paths}
    web.pages["/list/"] = b"".join(b'<a href="%s">x</a>' % path.encode() for path in paths)
    uses(cycle, f"{web.url}/list/*.csv")
    cycle.pull()
    assert [row["name"] for row in cycle.registry()] == [
        public_name(f"{web.url}{path}") for path in paths
    ]


def test_a_run_leaves_a_sheets_address_in_nothing_that_is_published_or_sent(tmp_path, web):
    """The whole publication, the records of runs and the events for OPENLINEAGE_URL."""
    path = f"/d/e/{CANARY}/pub?output=csv"
    answers = [row(number, unit="AAB"[number % 3]) for number in range(36)]
    web.pages[path] = "\n".join([HEADER, *answers]).encode()
    survey = SmallCycle(tmp_path)
    survey.seed(
        "survey_sources", "cycle_id,profile_id,kind,location", f"c1,p,landing,{web.url}{path}"
    )
    ran = survey.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert CANARY not in ran.stdout + ran.stderr
    name = public_name(web.url + path)
    assert survey.published("select file_name from audit_reconciliation") == [(name,)]
    published = (survey.data / "published").resolve()
    folders = (published, survey.data / "lineage", survey.data / "audit")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert {".csv", ".duckdb", ".json", ".jsonl", ".parquet"} <= {file.suffix for file in files}
    assert [file for file in files if CANARY in text_of(file)] == []
    lineage = "".join(file.read_text("utf-8") for file in files if file.suffix == ".jsonl")
    assert f'"name": "/...#{name[-8:]}"' in lineage or f'"name":"/...#{name[-8:]}"' in lineage
    (inputs,) = {text for (text,) in survey.published("select input_files from audit_runs") if text}
    assert name in inputs


def text_of(file: Path) -> str:
    """What stands in a file, compressed columns and tables too."""
    if file.suffix == ".parquet":
        return str(pyarrow.parquet.read_table(file, partitioning=None).to_pylist())
    if file.suffix != ".duckdb":
        return file.read_bytes().decode("utf-8", "replace")
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        return str([connection.table(name).fetchall() for (name,) in tables])


def zipped(content: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("in it.csv", content)
    return whole.getvalue()


@pytest.mark.parametrize("how", ["hangs", "cut", "500"])
def test_a_web_server_that_fails_is_a_sentence_in_bounded_time(cycle, web, how):
    web.pages["/a.csv"] = BETTER * 20
    if how == "500":
        web.statuses["/a.csv"] = 500
    else:
        getattr(web, how).add("/a.csv")
    uses(cycle, f"{web.url}/a.csv", of_profile=("msform",))
    cycle.drop("msform/m.csv", GOOD)
    started = time.monotonic()
    report = cycle.pull()
    assert time.monotonic() - started < 10
    assert report.new == (f"{CYCLE}/msform/m.csv",)
    assert [refusal.name for refusal in report.refused] == [public_name(f"{web.url}/a.csv")]
    assert web.asked.count("/a.csv") >= 3
    assert len(list((cycle.raw_dir / "files").iterdir())) == 1


def test_what_answers_to_nobody_else_is_given_up_too(monkeypatch):
    monkeypatch.setattr(places, "STEP_SECONDS", 0.1)
    memory = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(memory, "ls", lambda *_, **__: time.sleep(5))
    with pytest.raises(places.PlaceError, match="no answer"):
        places.look("memory://nowhere", "*")
    with pytest.raises(places.PlaceError, match="no answer"):
        places.look("memory://nowhere", "*", until=time.monotonic())


def test_a_source_whose_files_can_t_be_had_is_given_up_after_three(cycle, web):
    paths = [f"/list/{number}.csv" for number in range(9)]
    web.pages["/list/"] = b"".join(b'<a href="%s">x</a>' % path.encode() for path in paths)
    web.hangs |= set(paths)
    web.sizes |= dict.fromkeys(paths, 100)
    uses(cycle, f"{web.url}/list/*.csv")
    assert {(refusal.name, refusal.code) for refusal in cycle.pull().refused} == {
        (public_name(f"{web.url}{path}"), "unreachable") for path in paths
    }
    assert len({path for path in web.asked if path != "/list/"}) == 3


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("s3://bucket/*", "s3"),
        ("sftp://host/*", "sftp"),
        ("https://host/a.csv", "https"),
        ("webdav://folder/*", "webdav"),
    ],
)
def test_a_missing_package_is_a_sentence_that_names_its_extra(cycle, url, extra, monkeypatch):
    def missing(scheme):
        if scheme == "sftp":  # fsspec has one, which trusts whomever it meets
            return type("SFTPFileSystem", (), {"__module__": "fsspec.implementations.sftp"})
        raise ImportError("no package")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    uses(cycle, url)
    (refusal,) = cycle.pull().refused
    assert f"uv sync --extra {extra}" in refusal.message
    assert f"uv sync --extra {extra}" in refusal.message_id


def test_a_file_that_changes_while_it_is_copied_waits(cycle, sftp, monkeypatch):
    uses(cycle, f"{sftp.url}/survey/*.csv")
    file = sftp.folder / "survey" / "a.csv"
    file.write_bytes(GOOD)
    keep = pulling.store_bytes

    def slowly(*arguments, **options):
        stored = keep(*arguments, **options)
        file.write_bytes(BETTER)
        return stored

    with monkeypatch.context() as patched:
        patched.setattr(pulling, "store_bytes", slowly)
        (refusal,) = cycle.pull().refused
    assert refusal.code == "changing"
    assert f"{len(GOOD)} copied, {len(BETTER)} after" in refusal.message
    assert cycle.pull().records_read == 3


def test_a_long_copy_is_told_in_between(cycle, monkeypatch):
    monkeypatch.setattr(pulling, "_TOLD_EVERY_SECONDS", 0.0)
    cycle.drop("gform/a.csv", b"id,unit\n" + b"1,A\n" * 1_000_000)
    cycle.pull()
    assert f"{CYCLE}/gform/a.csv: 2 / 4 MB disalin / copied" in cycle.progress


@pytest.mark.parametrize(
    "url",
    [
        f"sftp://ilk:{CANARY}@host/a",
        f"https://{CANARY}@host/a.csv",
        f"https://host/a.csv?X-Amz-Signature={CANARY}",
        f"https://host/a.csv?x=1&access_token={CANARY}",
        f"s3://key:{CANARY}@bucket/a",
        *(
            f"https://host/a.csv?x=1&{name}={CANARY}"
            for name in (
                *("key", "api-key", "apikey", "api_key", "access_key", "Ocp-Apim-Subscription-Key"),
                *("auth", "pwd", "credential", "bearer", "jwt", "sessionid", "api%5Fkey"),
            )
        ),
        f"https://host/a.csv#token={CANARY}",
        f"https://host/a.csv;jsessionid={CANARY}",
        f"https:/user:{CANARY}@host/a.csv",
        f"//user:{CANARY}@host/a.csv",
        f"https://host/a.csv?next=https://u:{CANARY}@host/",
        f"https://host/a.csv?next=https%3A%2F%2Fu%3A{CANARY}%40host%2F",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(cycle, url):
    assert holds_secret(url)
    uses(cycle, url)
    with pytest.raises(SeedError, match="row 2") as raised:
        read_sources(cycle.seeds_dir)
    assert "Take it out" in str(raised.value) and CANARY not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.google.com/spreadsheets/d/e/2PACX-1v/pub?gid=0&single=true&output=csv",
        "sftp://ilk@host/a@b/*.csv",
        "s3://bucket/a:b@c/*",
        "s3://bucket/key=2025/*.csv",
        # A share link is an address: what it bears is shown nowhere.
        "https://onedrive.live.com/download?cid=1&resid=1%21105&authkey=%21AKx&download=1",
        "https://drive.google.com/uc?id=1&resourcekey=0-x&authuser=0&sid=265831",
        "ilk-2025-s2/gform/*",
    ],
)
def test_other_addresses_are_none(url):
    assert not holds_secret(url)


def test_errors_lose_passwords_and_the_keys_of_redirects():
    assert without_secrets("no sftp://a:b@h/x, s3://h/y?key=1&b=2.") == (
        "no sftp://***@h/x, s3://h/y?..."
    )
    of_the_web = "404, url=URL('https://u:p@h:1/d/e/2PACX,(1)/pub?x=1'); HTTPS://h/y. http://h x"
    shown = "404, url=URL('https://h:1/...'); HTTPS://h/.... http://h x"
    assert without_secrets(of_the_web) == shown
    assert without_secrets("https://h/...#1a2b3c4d/a b.csv") == "https://h/...#1a2b3c4d/a b.csv"


def test_a_source_that_brings_nothing_new_in_the_window_is_stale(cycle):
    header = "cycle_id,profile_id,kind,location,fresh_within_days\n"
    rows = f"{CYCLE},gform,landing,{CYCLE}/gform/*,2\n{CYCLE},msform,landing,{CYCLE}/msform/*,\n"
    path = cycle.seeds_dir / "survey_sources.csv"
    path.write_text(header + rows, encoding="utf-8")
    cycle.cycle_status("open", closes_on="2025-12-10")
    survey_cycle = find_cycle(read_cycles(cycle.seeds_dir), CYCLE)

    def stale(day: int, hour: int = 3):
        return stale_sources(
            read_sources(cycle.seeds_dir),
            survey_cycle,
            Registry(cycle.raw_dir).rows,
            now=datetime(2025, 12, day, hour, tzinfo=UTC),
        )

    assert stale(3) == []
    (never,) = stale(4)  # the window opened on the first
    assert (never.source.location, never.days, never.newest) == (f"{CYCLE}/gform/*", 3, None)
    cycle.at = datetime(2025, 12, 4, 16, tzinfo=UTC)  # pulled at 17, which is the fifth in Jakarta
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    assert stale(7) == []
    cycle.at += timedelta(days=3)
    cycle.profiles(gform=",utf-8,")  # read anew from the same bytes
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    (old,) = stale(8)
    assert (old.days, old.newest) == (3, datetime(2025, 12, 4, 17, tzinfo=UTC))
    assert stale(11) == [], "after the window nobody waits for answers"
    path.write_text(header + rows.replace(",2\n", ",two\n"), encoding="utf-8")
    with pytest.raises(SeedError, match="a number of days"):
        read_sources(cycle.seeds_dir)


def test_seeds_with_a_password_are_refused_without_showing_it(tmp_path):
    shutil.copytree(SAMPLE_SEEDS, tmp_path / "seeds")
    row = f"ilk-2025-s9,gform,landing,sftp://ilk:{CANARY}@host/*\n"
    with (tmp_path / "seeds" / "survey_sources.csv").open("a", encoding="utf-8") as file:
        file.write(row * 2)
    with pytest.raises(ContradictorySeedsError) as raised:
        demand_agreement(tmp_path / "seeds")
    assert "Take it out" in str(raised.value) and "Keluarkan" in str(raised.value)
    assert "ilk-2025-s9" in str(raised.value) and CANARY not in str(raised.value)


def test_a_landing_with_a_password_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("ILK_LANDING_URL", f"sftp://ilk:{CANARY}@host/landing")
    with pytest.raises(ValidationError, match="without a password") as raised:
        Settings()
    assert CANARY not in str(raised.value)


def test_an_error_that_quotes_a_key_is_told_without_it(cycle, monkeypatch):
    header = {"Authorization": f"Bearer {CANARY}"}
    monkeypatch.setitem(fsspec.config.conf, "http", {"headers": header, "user": "nobody"})
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"session-{CANARY}")
    said = f"nobody sent Bearer {CANARY} and session-{CANARY}\nto http://h/x?key=1"
    memory = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(memory, "ls", lambda *_, **__: (_ for _ in ()).throw(OSError(said)))
    uses(cycle, "memory://x/*")
    (refusal,) = cycle.pull().refused
    assert "(nobody sent *** and *** to http://h/...)" in refusal.message
    assert CANARY not in refusal.message + refusal.message_id


def test_a_file_that_goes_while_its_folder_is_listed_takes_no_other_along(cycle, monkeypatch):
    uses(cycle, f"{CYCLE}/*/*.csv")
    for name in ("gform/a.csv", "gform/b.csv", "msform/c.csv"):
        cycle.drop(name, GOOD + b"3," + name.encode() + b"\n")
    cycle.pull()
    local = type(fsspec.filesystem("file"))
    ls, failures = local.ls, [FileNotFoundError("b.csv.part")]

    def once(self, path, **options):
        if failures and path.endswith("gform"):
            raise failures.pop()
        return ls(self, path, **options)

    monkeypatch.setattr(local, "ls", once)
    report = cycle.pull()
    assert (report.withdrawn, report.refused, len(report.unchanged)) == ((), (), 3)
    assert failures == []


def test_listings_of_one_state_are_equal_and_none_is_remembered(cycle, s3):
    uses(cycle, f"s3://{s3.bucket}/*.csv")

    def state():
        sources = read_sources(cycle.seeds_dir)
        return list_cycle(cycle_id=CYCLE, sources=sources, landing=cycle.landing)

    assert state().files == ()
    s3.pipe(f"{s3.bucket}/a.csv", GOOD)
    first = state()
    assert first == state() and len(first.files) == 1
    s3.pipe(f"{s3.bucket}/a.csv", GOOD.replace(b"B", b"C"))
    assert state() != first


def test_who_reads_files_alone_imports_no_backend():
    code = "import sys, orchestration.exports.pulling; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    backends = {"aiohttp", "s3fs", "botocore", "sshfs", "asyncssh", "webdav4", "httpx"}
    assert not backends & set(ran.stdout.split())
