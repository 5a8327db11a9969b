"""PostgreSQL follows the published files: loaded before the link is swapped, committed right after.

Belongs here: when it is loaded, what a person is told where it could not be. Doesn't: how
(loading.py). psycopg is imported where it is needed: it is an optional extra.

The files are the publication; PostgreSQL shows it. Whatever fails on the way leaves it at the one
before, whole, never ahead of the files; its id (`ilk.publication`) then differs from theirs, and
the next run brings it along.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.durable_files import read_json, whole_file
from orchestration.postgres import PostgresError
from orchestration.publishing.specifications import Described
from orchestration.settings import Settings

if TYPE_CHECKING:
    import psycopg

logger = logging.getLogger("ilk.postgres")

LOOK_SECONDS = 3  # `ilk status` answers a person


@dataclass(frozen=True)
class Standing:
    """What PostgreSQL holds beside the files; `problem` is empty where it is the same."""

    server: str
    published_id: str
    problem: str = ""

    def in_words(self) -> str:
        """Return what to do, then what is so, in both languages; empty where all is well."""
        if not self.problem:
            return ""
        return (
            f"PostgreSQL {self.server} belum memuat publikasi {self.published_id}; berkasnya sudah "
            "terbit. Bereskan ini, lalu jalankan siklus mana pun lagi (docs/operations.md"
            "#postgresql). / It does not hold that publication yet; the files are out. Mend this, "
            f"then run any cycle again.\n{self.problem}"
        )


class Follower:
    """Brings PostgreSQL along with the publication that is being shown, once.

    Nothing that PostgreSQL does keeps the files from being published: `standing` tells of it.
    """

    def __init__(self, settings: Settings, known: Mapping[str, Described]) -> None:
        """`known`: what the manifest says of the tables (specifications.py)."""
        self._url = settings.postgres_url.get_secret_value() if settings.postgres_url else ""
        self._known = known
        self._last_load = _last_load(settings)
        self.standing: Standing | None = None
        """None before anything was published, and without a PostgreSQL."""

    @contextmanager
    def along(self, folder: Path, publication_id: str) -> Iterator[None]:
        """Load the publication in `folder`; commit when the block, which shows it, ended well."""
        if not self._url:
            yield
            return
        loading = _Loading(self._url, self._known, folder / "ilk.duckdb", publication_id)
        try:
            problem = loading.start()
            yield  # what fails here is not PostgreSQL's, and takes back what was loaded
            problem = problem or loading.commit()
        finally:
            loading.close()
        self.standing = Standing(_named(self._url), publication_id, problem)
        _keep(self._last_load, self.standing, was_reached=loading.was_reached)


class _Loading:
    """A transaction that outlives a block of others' work; each step returns what went wrong."""

    def __init__(
        self, url: str, known: Mapping[str, Described], database: Path, publication_id: str
    ) -> None:
        self._url, self._known = url, known
        self._database, self._id = database, publication_id
        self._open = ExitStack()
        self._connection: psycopg.Connection | None = None
        self._tables: list[str] = []
        self.was_reached = False
        """Whether the server let us in: what went wrong after that doesn't mend itself."""

    def start(self) -> str:
        if missing := _missing_package():
            return missing
        import duckdb
        import psycopg
        import pyarrow as pa

        from orchestration.postgres.loading import holds, replace
        from orchestration.postgres.server import connected

        try:
            connection = self._open.enter_context(connected(self._url))
            self.was_reached = True
            if holds(connection, self._database, self._known, self._id):
                return ""
            logger.info("memuat ke PostgreSQL / loading into PostgreSQL")
            connection.execute("begin")
            self._tables = replace(connection, self._database, self._known, self._id)
            self._connection = connection
        # DuckDB and Arrow read what is sent: their faults keep no file from being shown.
        except (psycopg.Error, PostgresError, duckdb.Error, pa.ArrowException) as error:
            return _reason(error, self._url)
        return ""

    def commit(self) -> str:
        if self._connection is None:  # it holds this publication already
            return ""
        import psycopg

        from orchestration.postgres.loading import vacuum

        try:
            self._connection.execute("commit")
        except psycopg.Error as error:
            return _reason(error, self._url)
        try:
            vacuum(self._connection, self._tables)
        except psycopg.Error as error:  # autovacuum does it later
            logger.info("PostgreSQL: vacuum: %s", _reason(error, self._url))
        return ""

    def close(self) -> None:
        self._open.close()


def follow(
    settings: Settings, known: Mapping[str, Described], folder: Path | None = None
) -> Standing | None:
    """Let PostgreSQL hold what is published (in `folder`, or what the link shows) if it doesn't.

    None where there is no PostgreSQL, or nothing is published. Call it after the link was swapped
    by other means than a publication, such as a rollback.
    """
    folder = (folder or settings.published_dir).resolve()
    if settings.postgres_url is None or (published_id := _published_id(folder)) is None:
        return None
    follower = Follower(settings, known)
    with follower.along(folder, published_id):
        pass
    return follower.standing


def standing(settings: Settings) -> Standing | None:
    """Return how PostgreSQL stands to what is published, changing nothing; None as `follow`.

    To look tells which publication is there; why another isn't, the last load said and was kept.
    """
    published_id = _published_id(settings.published_dir)
    if settings.postgres_url is None or published_id is None:
        return None
    url = settings.postgres_url.get_secret_value()
    if missing := _missing_package():
        return Standing("", published_id, missing)
    import psycopg

    from orchestration.postgres.loading import published_there
    from orchestration.postgres.server import connected

    try:
        with connected(url, seconds=LOOK_SECONDS) as connection:
            there = published_there(connection)
    except psycopg.Error as error:
        return Standing(_named(url), published_id, _reason(error, url))
    server = _named(url)
    kept = read_json(_last_load(settings)) or {}
    if (kept.get("server"), kept.get("publication_id")) != (server, published_id):
        kept = {}
    is_there = there == published_id
    said = [str(kept.get("problem", ""))] if not is_there or kept.get("was_reached") else []
    if not is_there:
        said.append(f"Di sana / it holds: {there or '–'}")
    return Standing(server, published_id, "\n".join(filter(None, said)))


def _last_load(settings: Settings) -> Path:
    """Return the file that says why the last load failed; there is none where it didn't."""
    return settings.dagster_home / "postgres.json"


def _keep(path: Path, standing: Standing, *, was_reached: bool) -> None:
    """Keep what a load said, for `ilk run` and `ilk status`, which only look."""
    try:
        if not standing.problem:
            path.unlink(missing_ok=True)
            return
        said = {
            "server": standing.server,
            "publication_id": standing.published_id,
            "problem": standing.problem,
            "was_reached": was_reached,
        }
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    except OSError as error:  # the publication is out, and the load's warning was told
        logger.warning("%s: tak dapat ditulis / can't be written: %s", path, error)


def _published_id(folder: Path) -> str | None:
    manifest = read_json(folder / "publication.json")
    return str(manifest["publication_id"]) if manifest else None


def _missing_package() -> str:
    try:
        import psycopg  # noqa: F401  # one without its libpq is found, and can't be imported
    except ImportError as error:
        why = "" if isinstance(error, ModuleNotFoundError) else f": {' '.join(str(error).split())}"
        return f"Pasang psycopg / install it: uv sync --extra postgres{why[:300]}"
    return ""


def _named(url: str) -> str:
    if _missing_package():
        return ""
    import psycopg

    from orchestration.postgres.server import server_name

    try:
        return server_name(url)
    except psycopg.ProgrammingError:  # libpq can't read it, and would repeat it
        return ""


def _reason(error: Exception, url: str) -> str:
    """Return what went wrong in a few lines, never with the password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        password = conninfo_to_dict(url).get("password")
    except psycopg.ProgrammingError:
        return "Perbaiki ILK_POSTGRES_URL: libpq tidak mengenalnya. / libpq can't read it."
    remedy, said = "", " ".join(str(error).split())
    if password:
        said = said.replace(str(password), "***")
    if not isinstance(error, psycopg.Error):  # a sentence of ours, or what DuckDB or Arrow says
        return said if isinstance(error, PostgresError) else said[:500]
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        remedy = "Beri hak / grant what it lacks (docs/operations.md#postgresql): "
    elif isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
        remedy = (
            "Penerbit atau pembaca lain menahan tabel; tutup dulu. / Another publisher or reader "
            "holds the tables; close it: "
        )
    elif isinstance(error, psycopg.errors.DependentObjectsStillExist):
        remedy = (
            "Hapus dulu objek orang lain yang bergantung pada tabel ILK. / Drop what others built "
            "on the tables first: "
        )
    elif isinstance(error, psycopg.errors.QueryCanceled):
        remedy = "Server terlalu lambat atau tertahan / the server is too slow, or held up: "
    elif (error.sqlstate or "").startswith("53"):
        remedy = (
            "Server kehabisan ruang disk, memori, atau sambungan; longgarkan dulu. / The server is "
            "out of disk, memory or connections; make room: "
        )
    elif isinstance(error, psycopg.OperationalError):
        remedy = "Server tak terjangkau atau terputus / the server can't be reached, or broke off: "
        if _was_refused(error):
            remedy = (
                "Server menjawab tetapi menolak; periksa nama, kata sandi, dan basis data di "
                "ILK_POSTGRES_URL. / The server answered and refused; check user, password and "
                "database there: "
            )
    return remedy + said[:500]


def _was_refused(error: "psycopg.OperationalError") -> bool:
    """Whether the server ended a connection that was being made; libpq tells by its words only."""
    return error.sqlstate is None and any(
        words in str(error) for words in ("FATAL:", "no password supplied")
    )
