"""Several builds at once always see a complete bundle of the organisation's authority."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from seatrial.agent.builds import trust


def test_builds_that_begin_together_do_not_take_it_from_each_other(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("certificate\n" * 20_000)
    tools = tmp_path / "tools"
    tools.mkdir()

    def prepare(_: int) -> bool:
        trust.prepare(bundle, tools, "runc")
        return (tools / trust.FILE).read_text() == bundle.read_text()

    with ThreadPoolExecutor(8) as together:
        assert all(together.map(prepare, range(200)))
    assert sorted(path.name for path in tools.iterdir()) == sorted([trust.FILE, trust.RUNTIME])


def test_a_running_step_can_still_mount_it_when_another_build_begins(tmp_path: Path) -> None:
    """The kernel mounts no file that was replaced: it is the same one until its content changes."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("one")
    trust.prepare(bundle, tmp_path, "runc")
    before = (tmp_path / trust.FILE).stat().st_ino
    trust.prepare(bundle, tmp_path, "runc")
    assert (tmp_path / trust.FILE).stat().st_ino == before
    bundle.write_text("two")
    trust.prepare(bundle, tmp_path, "runc")
    assert (tmp_path / trust.FILE).read_text() == "two"
