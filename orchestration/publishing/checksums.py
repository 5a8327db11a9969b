"""`SHA256SUMS`: every file of a publication with its hash, which `sha256sum -c` reads too.

Belongs here: writing it, and whether a folder is still what it says. Doesn't: the checksums of
tables, which leave out how DuckDB lays rows out (publication.py).
"""

import hashlib
from pathlib import Path

SUMS = "SHA256SUMS"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """List all files that lie below the folder now."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in _files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def differing_files(folder: Path) -> list[str] | None:
    """Return the files that are not as they were listed, are gone, or came; None without a list.

    A publication of before there were sums has no list.
    """
    if not (folder / SUMS).is_file():
        return None
    said = {
        name: sha256
        for sha256, _, name in (
            line.partition("  ")
            for line in (folder / SUMS).read_text(encoding="utf-8").splitlines()
        )
    }
    there = {*_files(folder)}
    return sorted(
        name
        for name in {*said, *there}
        if name not in there or said.get(name) != sha256_of(folder / name)
    )


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / SUMS
    )
