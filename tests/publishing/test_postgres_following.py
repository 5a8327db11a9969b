"""PostgreSQL beside the files: both hold the new publication, or the run says which does not."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from postgres_cases import KNOWN, TABLES, ask, said, write_publication
from publishing_cases import DECLARED, Person, Unit, group, write_warehouse
from pydantic import SecretStr, ValidationError

from orchestration.postgres.following import Follower, Standing, _reason, follow, standing
from orchestration.publishing import swap
from orchestration.publishing.publication import PublicationReport, publish
from orchestration.publishing.standing import Timing
from orchestration.settings import Settings
from orchestration.stages.findings import Finding
from orchestration.stages.publish import Published
from tests.conftest import ilk
from tests.postgres_server import PostgresServer

PERSONS = group("u1", "upt", "r1", 15) + [Person(Unit("w1", "wilayah", "r2"), "publik", "m")] * 40
HELD = "select publication_id from ilk.publication"


def settings_of(data_dir: Path, url: str) -> Settings:
    return Settings(data_dir=data_dir, postgres_url=SecretStr(url))


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path) -> Settings:
    return settings_of(tmp_path, postgres.database())


@pytest.fixture
def stopped(postgres: PostgresServer) -> Iterator[Callable[[], None]]:
    """Kills the server when it is called; it is up again after the test."""
    yield postgres.kill
    try:
        postgres.run("postgres", "select 1")
    except psycopg.OperationalError:
        postgres.start()


def url_of(settings: Settings) -> str:
    assert settings.postgres_url is not None
    return settings.postgres_url.get_secret_value()


def publish_again(settings: Settings, follower: Follower, *, shift: float = 0) -> PublicationReport:
    warehouse = settings.data_dir / "warehouse.duckdb"
    write_warehouse(warehouse, PERSONS, shift=shift)
    return publish(
        warehouse=warehouse,
        declared=DECLARED,
        data_dir=settings.data_dir,
        fingerprint={"code": "abc"},
        along=follower.along,
    )


def test_files_and_postgres_hold_the_same_publication(settings: Settings):
    for shift in (0, 0.25):
        follower = Follower(settings, {})
        report = publish_again(settings, follower, shift=shift)
        assert follower.standing is not None
        assert follower.standing.problem == ""
        assert ask(url_of(settings), HELD) == [(report.publication_id,)]
        assert ask(url_of(settings), "select count(*) from ilk.idx_scores") == [
            (report.row_counts["idx_scores"],)
        ]
    assert standing(settings) == follower.standing


def test_a_swap_that_fails_leaves_both_at_the_last_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    first = publish_again(settings, Follower(settings, {}))

    def fail(*_: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(swap, "_point", fail)
        with pytest.raises(OSError, match="no space"):
            publish_again(settings, Follower(settings, {}), shift=0.25)
    assert settings.published_dir.resolve().name == first.publication_id
    assert ask(url_of(settings), HELD) == [(first.publication_id,)]


def test_a_server_killed_while_it_is_loaded_leaves_the_files_new_and_is_mended_later(
    settings: Settings,
    postgres: PostgresServer,
    stopped: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
):
    from orchestration.postgres import loading

    first = publish_again(settings, Follower(settings, {}))
    fill = loading._fill

    def kill_then_fill(*arguments: Any, **said: Any) -> None:
        if "idx_scores" in arguments:
            stopped()
        fill(*arguments, **said)

    follower = Follower(settings, {})
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_fill", kill_then_fill)
        second = publish_again(settings, follower, shift=0.25)
    assert settings.published_dir.resolve().name == second.publication_id
    said = follower.standing
    assert said is not None
    assert second.publication_id in said.in_words()
    assert "belum memuat" in said.in_words()
    assert "does not hold that publication yet" in said.in_words()
    assert standing(settings).problem != "", "it can't be reached"
    postgres.start()
    assert ask(url_of(settings), HELD) == [(first.publication_id,)]
    assert first.publication_id in standing(settings).problem
    assert follow(settings, {}).problem == ""
    assert ask(url_of(settings), HELD) == [(second.publication_id,)]


def test_a_server_killed_between_load_and_commit_is_told_too(
    settings: Settings,
    postgres: PostgresServer,
    stopped: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
):
    first = publish_again(settings, Follower(settings, {}))
    point = swap._point

    def point_then_kill(*arguments: Path) -> None:
        point(*arguments)
        stopped()

    follower = Follower(settings, {})
    with monkeypatch.context() as patched:
        patched.setattr(swap, "_point", point_then_kill)
        second = publish_again(settings, follower, shift=0.25)
    assert follower.standing is not None
    assert follower.standing.problem != ""
    postgres.start()
    assert ask(url_of(settings), HELD) == [(first.publication_id,)]
    assert follow(settings, {}).problem == ""
    assert ask(url_of(settings), HELD) == [(second.publication_id,)]


def test_what_is_there_already_is_not_loaded_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    publish_again(settings, Follower(settings, {}))
    loaded_at = ask(url_of(settings), "select loaded_at from ilk.publication")
    assert follow(settings, {}).problem == ""
    publish_again(settings, Follower(settings, {}))
    assert ask(url_of(settings), "select loaded_at from ilk.publication") == loaded_at


def test_after_a_rollback_postgres_follows_the_folder_that_is_shown(settings: Settings):
    for version in (1, 2):
        folder = settings.data_dir / "publications" / f"id-{version}"
        write_publication(folder, version)
        assert follow(settings, KNOWN, folder).problem == ""
    assert follow(settings, KNOWN) is None, "nothing is published"
    settings.published_dir.symlink_to(Path("publications") / "id-1")
    assert follow(settings, KNOWN).problem == ""
    assert ask(url_of(settings), "select distinct version from ilk.idx_scores") == [(1,)]
    assert ask(url_of(settings), HELD) == [("id-1",)]


def test_a_table_that_was_dropped_by_hand_is_made_again(settings: Settings):
    folder = settings.data_dir / "publications" / "id-1"
    write_publication(folder, 1)
    follow(settings, KNOWN, folder)
    with psycopg.connect(url_of(settings)) as hand:
        hand.execute("drop view ilk.v_latest; drop table ilk.idx_scores")
    assert follow(settings, KNOWN, folder).problem == ""
    assert ask(url_of(settings), "select count(*) from ilk.v_latest") == [(3,)]


# --- what is told --------------------------------------------------------------------------------


def test_the_password_is_told_nobody(
    settings: Settings, stopped: Callable[[], None], capfd: pytest.CaptureFixture[str]
):
    follower = Follower(settings, {})
    publish_again(settings, follower)
    written = (settings.published_dir / "publication.json").read_text(encoding="utf-8")
    stopped()
    late = Follower(settings, {})
    publish_again(settings, late, shift=0.25)
    said = [written, str(settings), repr(settings), *map(str, capfd.readouterr())]
    for each in (follower.standing, late.standing, standing(settings)):
        said += [each.in_words(), repr(each)]
    assert "kata-sandi" not in "".join(said)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:kata-sandi@host/db",
        "host=x password=kata-sandi",
        "postgresql://u:kata-sandi/@h",
        "postgresql://u:1945/kata-sandi@h",
        "postgresql://u:kata-sandi%@h",
    ],
)
def test_an_address_that_is_none_is_told_without_the_password(tmp_path: Path, url: str):
    with pytest.raises(ValidationError, match="ILK_POSTGRES_URL") as raised:
        settings_of(tmp_path, url)
    assert "kata-sandi" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ilk@host/db",
        "postgres://ilk:p%40ss@host:5432/db?sslmode=require",
        "postgresql://ilk@/db?host=/run/postgresql",
        "postgresql://a,b:5433/db",
        "postgresql://u:p@[::1]:5432/db",
    ],
)
def test_an_address_of_libpq_is_taken(tmp_path: Path, url: str):
    assert url_of(settings_of(tmp_path, url)) == url


def test_an_address_that_libpq_refuses_is_told_without_it(tmp_path: Path):
    settings = settings_of(tmp_path, "postgresql://u:kata-sandi@h/db?no_such=kata-sandi")
    follower = Follower(settings, {})
    publish_again(settings, follower)
    assert "libpq can't read it" in follower.standing.in_words()
    assert "kata-sandi" not in follower.standing.in_words() + repr(standing(settings))


def test_those_who_only_look_tell_why_it_was_not_loaded_until_it_is(settings: Settings):
    for version in (1, 2):
        write_publication(settings.data_dir / "publications" / f"id-{version}", version)
    assert follow(settings, KNOWN, settings.data_dir / "publications" / "id-1").problem == ""
    with psycopg.connect(url_of(settings)) as theirs:
        theirs.execute("create view public.theirs as select score from ilk.idx_scores")
    settings.published_dir.symlink_to(Path("publications") / "id-2")
    with duckdb.connect(str(settings.published_dir / "ilk.duckdb")) as connection:
        connection.execute("drop view v_latest; alter table idx_scores drop column score")
    loaded = follow(settings, KNOWN)
    assert "Drop what others built" in loaded.problem
    looked = standing(settings)
    assert looked.in_words().startswith(loaded.in_words())
    assert looked.in_words().endswith("it holds: id-1")
    written = "".join(
        path.read_text(encoding="utf-8") for path in settings.dagster_home.glob("*.json")
    )
    assert "theirs" in written and "kata-sandi" not in written
    with psycopg.connect(url_of(settings)) as theirs:
        theirs.execute("drop view public.theirs")
    assert follow(settings, KNOWN).problem == ""
    assert standing(settings).problem == ""
    assert not list(settings.dagster_home.glob("*.json"))


def test_a_structure_that_was_not_to_be_had_is_told_though_the_id_is_the_same(settings: Settings):
    write_publication(settings.data_dir / "publications" / "id-1", 1)
    settings.published_dir.symlink_to(Path("publications") / "id-1")
    assert follow(settings, KNOWN).problem == ""
    with psycopg.connect(url_of(settings)) as theirs:
        theirs.execute("create view public.theirs as select cycle_id from ilk.v_latest")
    view = "select cycle_id, min(version) as version from idx_scores group by cycle_id"
    loaded = follow(settings, KNOWN | {"v_latest": said("v_latest", view=view)})
    assert "Drop what others built" in loaded.problem
    assert standing(settings) == loaded


def test_what_a_load_said_of_another_server_or_publication_is_not_told(settings: Settings):
    folder = settings.data_dir / "publications" / "id-1"
    write_publication(folder, 1)
    settings.published_dir.symlink_to(Path("publications") / "id-1")
    elsewhere = settings_of(settings.data_dir, "postgresql://u:kata-sandi@/db?host=/nowhere")
    assert "can't be reached" in follow(elsewhere, KNOWN).problem
    assert standing(settings).problem == "Di sana / it holds: –"


@pytest.fixture(params=["hidden", "broken"])
def without_psycopg(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No psycopg, or one that is found but whose libpq isn't."""
    if request.param == "hidden":
        monkeypatch.setitem(sys.modules, "psycopg", None)
        return
    package = tmp_path / "site-packages" / "psycopg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "raise ImportError('no pq wrapper available')", encoding="utf-8"
    )
    monkeypatch.delitem(sys.modules, "psycopg")
    monkeypatch.syspath_prepend(package.parent)


@pytest.mark.usefixtures("without_psycopg")
def test_without_psycopg_the_extra_is_named(tmp_path: Path):
    settings = settings_of(tmp_path, "postgresql://u:kata-sandi@nowhere/db")
    follower = Follower(settings, {})
    publish_again(settings, follower)
    assert settings.published_dir.exists()
    assert "uv sync --extra postgres" in follower.standing.in_words()
    assert "uv sync --extra postgres" in standing(settings).in_words()


def test_a_user_who_may_not_is_told_what_to_do(postgres: PostgresServer, tmp_path: Path):
    database = postgres.database(owner="postgres")
    settings = settings_of(tmp_path, database.replace("//postgres:", "//publisher:"))
    follower = Follower(settings, {})
    publish_again(settings, follower)
    assert "docs/operations.md#postgresql): permission denied" in follower.standing.in_words()


@pytest.mark.parametrize(
    ("database", "user"), [("no_such_database", "publisher"), ("postgres", "nobody")]
)
def test_a_server_that_refuses_is_not_told_as_out_of_reach(
    postgres: PostgresServer, tmp_path: Path, database: str, user: str
):
    folder = tmp_path / "publications" / "id-1"
    write_publication(folder, 1)
    problem = follow(settings_of(tmp_path, postgres.url(database, user)), KNOWN, folder).problem
    assert "refused; check user, password and database" in problem
    assert "does not exist" in problem
    assert "reached" not in problem


def test_what_a_server_lacks_is_not_told_as_out_of_reach():
    url = "postgresql://u:kata-sandi@h/db"
    full = _reason(psycopg.errors.DiskFull("could not extend file"), url)
    assert "out of disk" in full and "reached" not in full
    wrong = 'connection failed: FATAL:  password authentication failed for user "u"'
    assert "check user, password" in _reason(psycopg.OperationalError(wrong), url)
    ended = psycopg.errors.AdminShutdown("terminating connection")
    assert "can't be reached, or broke off" in _reason(ended, url)


def test_a_user_who_may_not_make_the_role_says_what_the_dba_must_run(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    name = postgres.database().split("/")[3].partition("?")[0]
    postgres.run(name, "drop owned by ilk_reader" if reader_exists(postgres) else "select 1")
    for statement in (
        "alter role ilk_reader rename to ilk_reader_before" if reader_exists(postgres) else "",
        "create role plain login password 'kata-sandi'",
        f"grant create on database {name} to plain",
    ):
        if statement:
            postgres.run(name, statement)
    folder = tmp_path / "publications" / "id-1"
    write_publication(folder, 1, tables=TABLES)
    try:
        settings = settings_of(tmp_path, postgres.url(name, "plain"))
        with caplog.at_level("WARNING", logger="ilk.postgres"):
            assert follow(settings, KNOWN, folder).problem == ""
        assert "CREATE ROLE ilk_reader NOLOGIN" in caplog.text
        postgres.run(name, "create role ilk_reader nologin")
        write_publication(tmp_path / "publications" / "id-2", 2)
        assert follow(settings, KNOWN, tmp_path / "publications" / "id-2").problem == ""
        assert ask(
            settings.postgres_url.get_secret_value(),
            "select has_table_privilege('ilk_reader', 'ilk.idx_scores', 'select')",
        ) == [(True,)]
    finally:
        postgres.run(name, "drop owned by plain cascade; drop role plain")
        if ask(postgres.url(name), "select from pg_roles where rolname = 'ilk_reader_before'"):
            postgres.run(name, "drop role if exists ilk_reader")
            postgres.run(name, "alter role ilk_reader_before rename to ilk_reader")


def reader_exists(postgres: PostgresServer) -> bool:
    return bool(ask(postgres.url("postgres"), "select from pg_roles where rolname = 'ilk_reader'"))


def test_the_publications_check_warns(tmp_path: Path):
    report = PublicationReport("id-2", tmp_path, True, {}, {}, 0, 0, (), Timing())

    def finding(standing: Standing | None) -> Finding:
        [*_, found] = Published(report, standing).findings
        return found

    assert finding(None).passed
    assert finding(Standing("host/db", "id-2")).passed
    warned = finding(Standing("host/db", "id-2", "it is down"))
    assert (warned.passed, warned.is_error) == (False, False)
    assert "id-2" in warned.sentence
    assert "it is down" in warned.sentence


def test_a_run_with_nothing_new_brings_postgres_along_and_says_when_it_can_not(
    own_sample: Callable[..., Settings],
    postgres: PostgresServer,
    stopped: Callable[[], None],
):
    url = postgres.database(owner="postgres").replace("//postgres:", "//publisher:")
    settings = own_sample(ILK_POSTGRES_URL=url)
    published_id = json.loads(
        (settings.published_dir / "publication.json").read_text(encoding="utf-8")
    )["publication_id"]
    follow(settings, {})
    assert "permission denied for database" in ilk("status").output
    name = url.split("/")[3].partition("?")[0]
    postgres.run("postgres", f"alter database {name} owner to publisher")
    run = ilk("run", "ilk-2025-s2")
    assert run.exit_code == 0, run.output
    assert "nothing new" in run.output
    assert "terkini / current" in run.output
    assert ask(url_of(settings), HELD) == [(published_id,)]
    assert "terkini / current" in ilk("status").output
    stopped()
    run = ilk("run", "ilk-2025-s2")
    assert run.exit_code == 1, run.output
    assert f"belum memuat publikasi {published_id}" in run.output
    assert "can't be reached" in run.output
    assert "kata-sandi" not in run.output
    status = ilk("status")
    assert status.exit_code == 0
    assert published_id in status.output
