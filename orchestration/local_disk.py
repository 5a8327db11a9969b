"""Whether a folder lies on a disk of this machine, where locks are locks.

Belongs here: file systems by their type. Doesn't: what is written there. DuckDB and SQLite guard
their files by locks and shared memory, which network file systems keep late, partly or not at all:
two machines may both believe that they hold `ilk.lock`, and a database is cut up in silence
(sqlite.org/faq.html#q5, sqlite.org/wal.html).
"""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
_NETWORK = re.compile(
    r"nfs4?|cifs|smb\w*|afs|ncpfs|davfs"
    r"|fuse\.(sshfs|rclone|s3fs|gcsfuse|goofys|blobfuse2?|curlftpfs|davfs2?|glusterfs|smbnetfs)"
)


class NetworkDiskError(RuntimeError):
    """The data folder lies on a network file system; the message says which."""


def demand_local_disk(folder: Path, *, mounts: Path | None = None) -> None:
    """Raise NetworkDiskError where a folder, made yet or not, lies on a network file system.

    `mounts`: the kernel's list, if not /proc/mounts. Where there is none (macOS), nothing is
    known and nothing refused.
    """
    try:
        lines = (
            (mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        )
    except OSError:
        return
    path = folder.resolve()
    kind, place = "", Path("/")
    for line in lines:
        point, found = (_plain(field) for field in line.split(" ")[1:3])
        # The last of two mounts at one place hides the first.
        if path.is_relative_to(point) and len(Path(point).parts) >= len(place.parts):
            kind, place = found, Path(point)
    if _NETWORK.fullmatch(kind):
        raise NetworkDiskError(
            "Arahkan ILK_DATA_DIR ke diska mesin ini; berkas masuk boleh di jaringan "
            "(ILK_LANDING_URL). / Set ILK_DATA_DIR to a disk of this machine; exports may lie on "
            f"the network. {folder}: {kind}, {place}: kunci dan basis data rusak di sana / locks "
            "and databases break there."
        )


def _plain(field: str) -> str:
    """Return a field of /proc/mounts with its octal escapes (a blank is \\040) read."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
