"""The one place that knows where things lie and what the environment says.

Belongs here: paths, environment variables, their defaults. Doesn't: anything that opens a file.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.bounded_engine import MEMORY_LIMIT, SPILLED, BoundedEngine
from orchestration.exports.apis.access import Access
from orchestration.exports.place_urls import holds_secret, in_small_scheme
from orchestration.project_files import IS_INSTALLED
from orchestration.project_files import REPOSITORY as REPOSITORY
from orchestration.publishing.swap import KEPT_PUBLICATIONS, LEAST_KEPT
from orchestration.response_files import ResponseFiles

# A data folder that holds this file is the example's. No secret is ever read from a file.
EXAMPLE_MARK = "EXAMPLE"
MOST_SHARDS = 10_000
_PROCESSES = 2  # each takes ILK_MEMORY_LIMIT: more of them are for who knows the machine
_SIZE = re.compile(r"[1-9][0-9]* ?[MG]i?B")  # as DuckDB reads it
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
# As libpq reads it. A / or @ in a password it would take for a host and port, and name in errors.
_POSTGRES_ADDRESS = re.compile(
    r"(?!.*%(?![0-9a-fA-F]{2}))postgres(ql)?://([^\s/?#@]*@)?"
    r"(\[[0-9a-fA-F:]+\]|[^\s/?#@:\[\]]*)(:\d+)?(,[^\s/?#@:]*(:\d+)?)*(/[^\s/?#@]*)?(\?[^\s#]*)?"
)
# On this machine; a standalone cluster, one master or several; Kubernetes.
_SPARK_MASTER = re.compile(
    r"local(\[(\*|[1-9]\d*)(, *[1-9]\d*)?\])?|spark://[^\s,/@']+:\d+(,[^\s,/@']+:\d+)*"
    r"|k8s://[^\s@']+"
)
EXAMPLE_LANDING = REPOSITORY / "examples" / "ilk" / "landing"
_EXAMPLE_KEY = "a key for the made-up people of the example"


class Settings(BaseSettings):
    """What the environment says (`ILK_*`), every path absolute.

    A relative path in the environment is resolved against the working directory once, here: a
    relative DuckDB path further down would make a second, empty database in another folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="ILK_",
        env_ignore_empty=True,
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,  # some of it is secret
    )

    data_dir: Path = Field(default=REPOSITORY / "data", validate_default=True)
    seeds_dir: Path = REPOSITORY / "seeds"
    landing_url: str | None = Field(
        default=None, description="Any fsspec URL or folder; default <data_dir>/landing."
    )
    pseudonym_key: SecretStr | None = Field(
        default=None, description="Keys the HMAC-SHA-256 of respondents' identifiers."
    )
    pages: bool = Field(
        default=True, description="Whether a publication has pages: published/site/."
    )
    regions_geojson: Path | None = Field(
        default=None,
        description="Outlines of the regions, drawn on pages instead of tiles: a GeoJSON.",
    )
    memory_limit: str = Field(
        default=MEMORY_LIMIT,
        description="What DuckDB may take where people are many; beyond it, it spills to disk.",
    )
    spark_master: str | None = Field(
        default=None,
        description="Where Apache Spark computes shards: local[2], spark://host:7077, k8s://host.",
    )
    spark_secret: SecretStr | None = Field(
        default=None, description="A standalone cluster's spark.authenticate.secret."
    )
    shards: int | None = Field(
        default=None,
        description="In how many parts the people of a cycle are computed; default: by number.",
    )
    shard_processes: int = Field(
        default_factory=lambda: min(len(os.sched_getaffinity(0)), _PROCESSES),
        description="How many of them at once.",
    )
    shard_dir: Path | None = Field(
        default=None,
        description="Where the parts lie while a run computes them, and their responses after it; "
        "default <data_dir>.",
    )
    kept_publications: int = Field(
        default=KEPT_PUBLICATIONS,
        description="How many publications stay below publications/, the one shown among them.",
    )
    kept_run_logs: int = Field(
        default=75, description="How many runs keep their log in Dagster's storage."
    )
    kept_runs: int = Field(
        default=1000, description="How many runs Dagster lists, most of them without a log."
    )
    kept_run_days: int = Field(default=730, description="For how many days Dagster lists a run.")
    backup_within_hours: int = Field(
        default=30,
        description="How old the last good backup may be, where one was ever asked for.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="How runs tell what they do: for people, or a line of JSON."
    )
    site_url: str | None = Field(
        default=None,
        description="Address of published/site/ on the web: codes on posters lead there.",
    )
    alert_urls: SecretStr | None = Field(
        default=None,
        description="Whom alerts and digests go to: addresses of apprise, with blanks between.",
    )
    mail_url: SecretStr | None = Field(
        default=None,
        description="The mail server for the addresses of region_contacts.csv, as apprise has it.",
    )
    postgres_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL that holds the publication too: postgresql://user@host/database.",
    )
    automation: bool = Field(
        default=False,
        description="Whether schedule and sensor of new files are on without being switched on.",
    )
    dagster_postgres_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL that holds Dagster's runs, instead of SQLite below dagster/.",
    )
    limesurvey_url: str | None = Field(
        default=None,
        description="RemoteControl 2 of LimeSurvey: .../index.php/admin/remotecontrol.",
    )
    limesurvey_user: str | None = Field(default=None, description="Who logs in there.")
    limesurvey_password: SecretStr | None = Field(default=None, description="With this password.")
    kobo_url: str | None = Field(
        default=None, description="The KoboToolbox server, such as https://kf.kobotoolbox.org."
    )
    kobo_token: SecretStr | None = Field(default=None, description="The API key of an account.")
    odk_url: str | None = Field(default=None, description="The ODK Central server.")
    odk_user: str | None = Field(default=None, description="Who logs in there, an address.")
    odk_password: SecretStr | None = Field(default=None, description="With this password.")
    openlineage_url: str | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_URL",
        description="Where each run's OpenLineage events are posted, beside lineage/.",
    )
    openlineage_endpoint: str = Field(
        default="api/v1/lineage",
        validation_alias="OPENLINEAGE_ENDPOINT",
        description="Path below OPENLINEAGE_URL.",
    )
    openlineage_api_key: SecretStr | None = Field(
        default=None, validation_alias="OPENLINEAGE_API_KEY", description="Sent as bearer token."
    )
    openlineage_namespace: str = Field(
        default="ilk",
        validation_alias="OPENLINEAGE_NAMESPACE",
        description="Namespace of the jobs, where several installations report to one place.",
    )

    @field_validator("data_dir")
    @classmethod
    def _is_named(cls, path: Path) -> Path:
        if IS_INSTALLED and path == REPOSITORY / "data":
            raise ValueError("ILK_DATA_DIR: isi dengan folder data / set it to a folder for data")
        return path

    @field_validator("data_dir", "seeds_dir", "regions_geojson", "shard_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().resolve()

    @field_validator("landing_url")
    @classmethod
    def _without_a_secret(cls, url: str | None) -> str | None:
        if url is not None and holds_secret(url):
            raise ValueError(
                "ILK_LANDING_URL: tanpa kata sandi di dalam alamat; simpan di variabel FSSPEC_... "
                "/ without a password in the address: it belongs into FSSPEC_... (docs/sources.md)"
            )
        return url and in_small_scheme(url)

    @field_validator("regions_geojson")
    @classmethod
    def _is_there(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"ILK_REGIONS_GEOJSON: tidak ada berkas / there is no file {path}")
        return path

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, limit: str) -> str:
        if not _SIZE.fullmatch(limit):
            raise ValueError(f"ILK_MEMORY_LIMIT '{limit}': tulis seperti / write it as 3GB, 800MB")
        return limit

    @field_validator("kept_publications")
    @classmethod
    def _leaves_readers_theirs(cls, count: int) -> int:
        if count < LEAST_KEPT:
            raise ValueError(
                f"ILK_KEPT_PUBLICATIONS={count}: sedikitnya / at least {LEAST_KEPT}, karena "
                "pembaca masih membuka yang sebelumnya / since readers have the one before open"
            )
        return count

    @field_validator("kept_run_logs", "kept_runs", "kept_run_days")
    @classmethod
    def _at_least_one(cls, count: int, info: ValidationInfo) -> int:
        if count < 1:
            raise ValueError(
                f"ILK_{str(info.field_name).upper()}={count}: sedikitnya / at least 1, sebab "
                "proses terakhir setiap siklus tetap / since each cycle's last run stays"
            )
        return count

    @field_validator("backup_within_hours")
    @classmethod
    def _at_least_an_hour(cls, hours: int) -> int:
        if hours < 1:
            raise ValueError(f"ILK_BACKUP_WITHIN_HOURS={hours}: sedikitnya / at least 1")
        return hours

    @field_validator("spark_master")
    @classmethod
    def _is_a_master(cls, master: str | None) -> str | None:
        if master is not None and not _SPARK_MASTER.fullmatch(master):
            raise ValueError(
                f"ILK_SPARK_MASTER '{master}': tulis seperti / write it as local[2], "
                "spark://host:7077, k8s://https://host:6443 (docs/scaling.md)"
            )
        return master

    @field_validator("shards", "shard_processes")
    @classmethod
    def _is_a_number_of_shards(cls, count: int | None, info: ValidationInfo) -> int | None:
        if count is not None and not 1 <= count <= MOST_SHARDS:
            raise ValueError(
                f"ILK_{str(info.field_name).upper()}={count}: 1 sampai / to {MOST_SHARDS:,}"
            )
        return count

    @field_validator("site_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            raise ValueError(
                f"ILK_SITE_URL '{url}': tulis seperti / write it as https://host/folder"
            )
        return url

    @field_validator("limesurvey_url", "kobo_url", "odk_url")
    @classmethod
    def _server_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        # Not shown: somebody may have written a password into it.
        if url is not None and ("@" in url or not _WEB_ADDRESS.fullmatch(url)):
            raise ValueError(
                f"ILK_{str(info.field_name).upper()}: tulis seperti / write it as "
                "https://host/folder (pengguna dan kata sandi di variabel lain / user and password "
                "in variables of their own)"
            )
        return url and url.rstrip("/")

    @field_validator("postgres_url", "dagster_postgres_url")
    @classmethod
    def _postgres_address(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        address = url.get_secret_value()
        if info.field_name == "dagster_postgres_url":  # as Dagster needs it (dagster_home.py)
            address = address.replace("postgresql+psycopg2://", "postgresql://", 1)
        if not _POSTGRES_ADDRESS.fullmatch(address):
            raise ValueError(
                f"ILK_{str(info.field_name).upper()}: tulis seperti / write it as "
                "postgresql://user:password@host:5432/database (/ @ : % dalam kata sandi / in a "
                "password: %2F %40 %3A %25)"
            )
        return SecretStr(address)

    @model_validator(mode="after")
    def _example(self) -> Self:
        """In the example's data folder every command finds the example's exports and key.

        They go before the environment's: real exports never get among the made-up people. Raises
        ValueError where the environment names another landing, which would be passed over.
        """
        if self.is_example:
            if self.landing_url and self.landing != str(EXAMPLE_LANDING):
                raise ValueError(
                    f"{self.data_dir} milik contoh (make run); arahkan ILK_DATA_DIR ke folder lain "
                    f"untuk {self.landing}. / is the example's; set ILK_DATA_DIR to another folder."
                )
            object.__setattr__(self, "landing_url", str(EXAMPLE_LANDING))
            object.__setattr__(self, "pseudonym_key", SecretStr(_EXAMPLE_KEY))
        return self

    @model_validator(mode="after")
    def _spark_has_shards(self) -> Self:
        """Raises ValueError where Spark is asked for what would never reach it."""
        if self.spark_master and self.shards is None:
            raise ValueError(
                "ILK_SHARDS: isi juga, sedikitnya jumlah inti gugus / set it too, to at least the "
                "cluster's cores: Spark computes shards (docs/scaling.md)"
            )
        if not self.is_one_machine and not self.shard_dir:
            raise ValueError(
                "ILK_SHARD_DIR: isi dengan folder yang dilihat semua mesin di tempat yang sama / "
                "set it to a folder that all machines see in the same place (docs/scaling.md)"
            )
        return self

    @property
    def server_access(self) -> dict[str, Access]:
        """The ways into survey tools' servers, by the kind of source that survey_sources names."""
        return {
            "limesurvey": Access(
                self.limesurvey_url, self.limesurvey_user, self.limesurvey_password
            ),
            "kobo": Access(self.kobo_url, None, self.kobo_token),
            "odk": Access(self.odk_url, self.odk_user, self.odk_password),
        }

    @property
    def is_example(self) -> bool:
        """Whether the data folder is that of `ilk example`."""
        return (self.data_dir / EXAMPLE_MARK).is_file()

    @property
    def landing(self) -> str:
        """Folder or fsspec URL below which `survey_sources.location` globs are looked up."""
        if self.landing_url is None:
            return str(self.data_dir / "landing")
        if "://" in self.landing_url:
            return self.landing_url.rstrip("/")
        return str(Path(self.landing_url).expanduser().resolve())

    @property
    def raw_dir(self) -> Path:
        """The raw zone: bytes by sha256, and what was read from them as Parquet."""
        return self.data_dir / "raw"

    @property
    def export_files(self) -> Path:
        """The registry of the raw zone, one row a file and pull."""
        return self.raw_dir / "export_files.parquet"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that only dbt opens for writing."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def shards_dir(self) -> Path:
        """What a run in shards deals and computes, until it ends: persons' answers among it."""
        return (self.shard_dir or self.data_dir) / "shards"

    @property
    def response_files(self) -> ResponseFiles:
        """The responses of cycles that were computed in shards; the warehouse reads them there."""
        return ResponseFiles((self.shard_dir or self.data_dir) / "responses")

    @property
    def engine(self) -> BoundedEngine:
        """DuckDB for exports and for all of a warehouse's rows, beside dbt's own."""
        return BoundedEngine(self.memory_limit, self.data_dir / SPILLED)

    @property
    def is_one_machine(self) -> bool:
        """Whether all that a run computes is computed on this machine."""
        return self.spark_master is None or self.spark_master.startswith("local")

    @property
    def published_dir(self) -> Path:
        """What people read: a link to the last whole publication."""
        return self.data_dir / "published"

    @property
    def reports_dir(self) -> Path:
        """Reports made on request, by publication and cycle; they can be made again."""
        return self.data_dir / "reports"

    @property
    def audit_dir(self) -> Path:
        """Records that can't be computed again: runs, final cycles, restatements."""
        return self.data_dir / "audit"

    @property
    def backup_dir(self) -> Path:
        """Since when a backup is asked for, and when the last good one began (deploy/backup.sh)."""
        return self.data_dir / "backup"

    @property
    def quality_dir(self) -> Path:
        """What the border's checks found, for people: a report a suite, and rows to mend."""
        return self.data_dir / "quality"

    @property
    def lineage_dir(self) -> Path:
        """OpenLineage events, one file a run."""
        return self.data_dir / "lineage"

    @property
    def dagster_home(self) -> Path:
        """Dagster's run storage."""
        return self.data_dir / "dagster"

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project's settings, macros and singular tests."""
        return REPOSITORY / "dbt_project"

    @property
    def dbt_home(self) -> Path:
        """Where dbt finds the project, and keeps mirrors of seeds and what it parsed.

        Beside the code, since all data folders use it; but an installed wheel is nobody's to write
        in, so there it is a folder of links below the data.
        """
        if IS_INSTALLED:
            return self.data_dir / "dbt_home" / "dbt_project"
        return self.dbt_project_dir

    @property
    def dbt_parsed_dir(self) -> Path:
        """What dbt keeps of its last parse."""
        return self.dbt_home / ".parsed"

    @property
    def dbt_target_dir(self) -> Path:
        """Dbt's artefacts, below the data, so that two data folders never mix them."""
        return self.data_dir / "dbt_target"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process's settings, read from the environment once."""
    return Settings()
