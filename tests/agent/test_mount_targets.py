"""Where nothing may be mounted into a container."""

import pytest

from seatrial.agent.vocabulary.mount_targets import refused_mount_target


@pytest.mark.parametrize(
    "path",
    [
        "/dev", "/dev/", "//dev", "/./dev", "/dev/shm", "/proc/self", "/sys/fs/cgroup", "proc", "../sys",
        "/srv/../dev", "/var/run/../../dev//x/..", "/../../proc",
    ],
)  # fmt: skip
def test_folders_of_the_kernel_are_refused_however_they_are_written(path: str) -> None:
    why = refused_mount_target(path)
    assert why is not None and "belongs to the kernel" in str(why)


@pytest.mark.parametrize("path", ["/", "//", "", "/srv/..", "."])
def test_the_whole_file_system_is_refused(path: str) -> None:
    assert "the whole file system" in str(refused_mount_target(path))


@pytest.mark.parametrize("path", ["/data", "/devices", "/srv/dev", "/processes/x", "/dev/../data", "/sys.d"])
def test_other_folders_are_fine(path: str) -> None:
    assert refused_mount_target(path) is None
