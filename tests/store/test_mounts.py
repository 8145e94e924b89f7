"""A store on another host's disk is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from genlock.errors import StoreError
from genlock.store import open_store
from genlock.store.mounts import filesystem, is_network, refuse_network

LINUX = """\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/studio nfs4 rw,vers=4.2 0 0
//nas/cuts /mnt/My\\040Cuts cifs rw 0 0
/dev/sdb1 /mnt/studio/local xfs rw 0 0
anna@host: /home/anna/remote fuse.sshfs rw 0 0
pool /mnt/pool fuse.mergerfs rw 0 0
host /wsl 9p rw 0 0
cell /afs afs rw 0 0
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled)
//anna@nas/cuts on /Volumes/cuts (smbfs, nodev, nosuid, mounted by anna)
server:/export on /Volumes/My Studio (nfs, asynchronous)
"""


@pytest.mark.parametrize(
    ("path", "table", "kind"),
    [
        ("/home/anna/studio.genlock", LINUX, "ext4"),
        ("/mnt/studio/a/b.genlock", LINUX, "nfs4"),
        ("/mnt/studio/local/b.genlock", LINUX, "xfs"),
        ("/mnt/studiolocal/b.genlock", LINUX, "ext4"),
        ("/mnt/My Cuts/b.genlock", LINUX, "cifs"),
        ("/home/anna/remote/b.genlock", LINUX, "fuse.sshfs"),
        ("/wsl/b.genlock", LINUX, "9p"),
        ("/Users/anna/b.genlock", MACOS, "apfs"),
        ("/Volumes/cuts/b.genlock", MACOS, "smbfs"),
        ("/Volumes/My Studio/b.genlock", MACOS, "nfs"),
        ("/anywhere", "", ""),
        ("/anywhere", "nonsense\n\n", ""),
    ],
)
def test_the_file_system_of_a_path(path: str, table: str, kind: str) -> None:
    assert filesystem(Path(path), table) == kind


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.rclone", "CEPH"]
)
def test_network_file_systems(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "apfs", "tmpfs", "overlay", "fuseblk", "fuse.mergerfs", ""])
def test_local_file_systems(kind: str) -> None:
    assert not is_network(kind)


def test_this_machine_is_asked(tmp_path: Path) -> None:
    assert filesystem(tmp_path) != ""
    refuse_network(tmp_path, "")


def test_a_store_on_a_share_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "studio.genlock"
    with pytest.raises(StoreError) as error:
        open_store(path, mounts=f"/dev/vda / ext4 rw 0 0\nnas:/x {tmp_path} nfs rw 0 0\n")
    assert error.value.code == "store_on_network"
    assert error.value.details["filesystem"] == "nfs"
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_share_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "share")
    with pytest.raises(StoreError):
        open_store(tmp_path / "link" / "a.genlock", mounts=f"nas:/x {tmp_path}/share cifs rw 0 0\n")


def test_without_a_mount_table_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nothing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nothing)
    monkeypatch.setattr(subprocess, "run", nothing)
    assert filesystem(tmp_path) == ""
