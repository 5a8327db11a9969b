"""Who asked to be forgotten, as keyed hashes: what keeps a person out who still lies in a landing.

Belongs here: the list raw/forgotten.json, finding its people in what was read, when bytes lost one
of them. Doesn't: taking them out of bytes (erasure), of the registry and the warehouse
(orchestration/forgetting.py).

The hash is HMAC-SHA-256 under a key derived from the pseudonym key, so that it is not the
pseudonym that the warehouse knows the person by. Whoever lacks the key can't tell whose it is.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.durable_files import read_json_record, whole_file
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import BLANKS, WHITE_SPACE, fold
from orchestration.keyed_hash import hand_over
from orchestration.sql_text import as_name

_KINDS = ("", "nip", "email", "token")
SEPARATORS = WHITE_SPACE + "\u00ad\u200c-\u200f\u202a-\u202e\u2060\u2010-\u2015./_-"
"""What people write inside identifiers, as characters of a pattern."""


def records_folder(data_dir: Path) -> Path:
    """Return where `ilk forget` keeps the record of what it did, a file a time."""
    return data_dir / "forgotten"


def erased_at(data_dir: Path, sha256: str) -> str | None:
    """Return when somebody was taken out of the export whose bytes had this hash; None: never."""
    for path in sorted(records_folder(data_dir).glob("*.json")):
        record = read_json_record(path)
        if any(file["sha256_before"] == sha256 for file in record["files"]):
            return str(record["forgotten_at"])
    return None


class ForgottenKeyError(RuntimeError):
    """The list can't be read without the key it was made with; the sentence says what to do."""


@dataclass
class Forgotten:
    """The list: hashes by cycle, and which bytes stand for the ones a landing still holds."""

    raw_dir: Path
    key: str | None
    hashes: dict[str, list[str]] = field(default_factory=dict)
    """By cycle_id. A cycle that opened later is not in it: an answer given there is a new one."""
    stand_ins: dict[str, str] = field(default_factory=dict)
    """The sha256 that lies in the raw zone, by the sha256 of bytes that must not come back."""

    @classmethod
    def read(cls, raw_dir: Path, key: str | None) -> "Forgotten":
        """Return the list, empty where nobody was ever forgotten.

        Raises ForgottenKeyError where somebody was, under another key or with none set now.
        """
        path = _path(raw_dir)
        if not path.exists():
            return cls(raw_dir, key)
        held = read_json_record(path)
        if key is None or held["key_check"] != _key_check(key):
            raise ForgottenKeyError(
                f"{path.name} lists persons who asked to be forgotten, hashed under "
                "ILK_PSEUDONYM_KEY as it was then; the key now is "
                f"{'not set' if key is None else 'another one'}. Without it they would come back "
                "from the landing: set the key of that time. / Daftar orang yang minta dihapus "
                "dibuat dengan ILK_PSEUDONYM_KEY lain; pakai kunci yang dulu."
            )
        return cls(raw_dir, key, held["hashes"], held["stand_ins"])

    def add(self, cycle_ids: Iterable[str], identifiers: Iterable[str]) -> None:
        """Put people on the list, for the cycles named."""
        secret = _derived(self._needed_key()).encode()
        new = {
            hmac.new(secret, spelling.encode(), hashlib.sha256).hexdigest()
            for spelling in _spellings(identifiers)
        }
        for cycle_id in cycle_ids:
            self.hashes[cycle_id] = sorted(new.union(self.hashes.get(cycle_id, [])))

    def let_stand_in(self, cleared: str, original: str) -> None:
        """Remember that the bytes `cleared` stand for `original`, and for what that stood for."""
        for known, stand_in in self.stand_ins.items():
            if stand_in == original:
                self.stand_ins[known] = cleared
        self.stand_ins[original] = cleared

    def records(
        self, cycle_id: str, parquet: Path, personal_columns: Collection[str], kind: str
    ) -> dict[int, set[str]]:
        """Return the cycle's forgotten people in a raw Parquet: record number, cells that tell.

        In whatever spelling the warehouse takes for the same person; `kind`: the identifier_kind of
        the profile.
        """
        hashes = self.hashes.get(cycle_id)
        if not hashes or not personal_columns:
            return {}
        found: dict[int, set[str]] = {}
        macros = EngineMacros()
        with duckdb.connect() as connection:
            hand_over(connection, _derived(self._needed_key()), "forgotten")
            for column in personal_columns:
                cell = as_name(column)
                trimmed = macros.trim_blanks(cell)
                # As it stands too: lists of before identifiers were normalised hold that alone.
                texts = [trimmed, *(macros.normal_identifier(cell, of) for of in {"", kind})]
                hashed = ", ".join(macros.keyed_hash(text, "forgotten") for text in texts)
                rows = connection.execute(
                    f"select _source_row, {trimmed} from read_parquet($path)"
                    f" where list_has_any($hashes, [{hashed}])",
                    {"path": str(parquet), "hashes": hashes},
                ).fetchall()
                for record, value in rows:
                    found.setdefault(record, set()).add(value)
        return found

    def save(self) -> None:
        """Write the list, unless nobody is on it."""
        if not self.hashes:
            return
        content = {
            "key_check": _key_check(self._needed_key()),
            "hashes": self.hashes,
            "stand_ins": self.stand_ins,
        }
        with whole_file(_path(self.raw_dir)) as temporary:
            temporary.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")

    def _needed_key(self) -> str:
        if self.key is None:
            raise ForgottenKeyError(
                "people are put on the list of the forgotten as keyed hashes, and "
                "ILK_PSEUDONYM_KEY is not set. Set the key that the runs use."
            )
        return self.key


def personal_columns(header: Iterable[str], surveyed: Collection[str]) -> list[str]:
    """Return the columns that may tell who somebody is: all but `read_surveyed_headings`'."""
    return [name for name in header if fold(name) not in surveyed]


def squeezed(text: str) -> str:
    """Return the text in small letters without what may stand inside an identifier."""
    return re.sub(f"[{SEPARATORS}]+", "", text).lower()


def _spellings(identifiers: Iterable[str]) -> set[str]:
    """Return what people are known by: as typed, and normalised as each kind of identifier is."""
    typed = [identifier.strip(BLANKS) for identifier in identifiers]
    macros = EngineMacros()
    normal = ", ".join(macros.normal_identifier("typed", kind) for kind in _KINDS)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select distinct unnest([typed, {normal}])"
            " from (select unnest(?::varchar[]) as typed)",
            [typed],
        ).fetchall()
    return {spelling for (spelling,) in rows if spelling}


def _path(raw_dir: Path) -> Path:
    return raw_dir / "forgotten.json"


def _derived(key: str) -> str:
    return hmac.new(key.encode(), b"ilk forgotten persons", hashlib.sha256).hexdigest()


def _key_check(key: str) -> str:
    return hmac.new(_derived(key).encode(), b"ilk key check", hashlib.sha256).hexdigest()
