"""The data folder on a network file system: refused with a sentence, before anything is written.

Belongs here: which mounts are refused. Doesn't: landings, which may lie anywhere (exports/).
"""

from pathlib import Path

import pytest

from orchestration import local_disk, run_lock
from orchestration.local_disk import NetworkDiskError, demand_local_disk
from tests.conftest import ilk

MOUNTS = r"""/dev/vda / ext4 rw 0 0
server:/export /srv nfs4 rw,vers=4.2 0 0
/dev/vdb /srv/disk xfs rw 0 0
//server/share /mnt/data\040bersama cifs rw 0 0
me@host: /mnt/far fuse.sshfs rw 0 0
/dev/vdc /mnt/hidden ext4 rw 0 0
server:/x /mnt/hidden nfs rw 0 0
tmpfs /srvother tmpfs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mounts"
    file.write_text(MOUNTS, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/ilk", "nfs4"),
        ("/srv", "nfs4"),
        ("/mnt/data bersama/ilk", "cifs"),
        ("/mnt/far", "fuse.sshfs"),
        ("/mnt/hidden/ilk", "nfs"),  # the later mount is the one that is seen
    ],
)
def test_a_network_disk_is_refused_by_name(mounts: Path, folder: str, kind: str):
    with pytest.raises(NetworkDiskError, match=rf"ILK_DATA_DIR.*{folder}.*: {kind}, "):
        demand_local_disk(Path(folder), mounts=mounts)


@pytest.mark.parametrize("folder", ["/var/lib/ilk", "/srv/disk/ilk", "/srvother", "/mnt"])
def test_a_disk_of_this_machine_is_not(mounts: Path, folder: str):
    demand_local_disk(Path(folder), mounts=mounts)


def test_without_the_kernels_list_nothing_is_refused(tmp_path: Path):
    demand_local_disk(tmp_path, mounts=tmp_path / "none")


def test_no_command_and_no_run_begins_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"host:/x {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(local_disk, "MOUNTS", mounts)
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "data"))
    told = ilk("status")
    assert told.exit_code == 1
    assert "ILK_DATA_DIR" in told.output
    assert "nfs4" in told.output
    with pytest.raises(NetworkDiskError), run_lock.run_lock(tmp_path / "data"):
        pass
    assert not (tmp_path / "data").exists()
