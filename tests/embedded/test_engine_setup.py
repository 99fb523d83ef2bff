"""scripts/engine uses an engine that is there, keeps existing configuration, says what it would do, and refuses if told to."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seatrial.embedded.engine import configuration, daemon, detect, machine, packages
from seatrial.embedded.engine.daemon import EngineProblem
from seatrial.embedded.engine.setup import FAILED, IMPOSSIBLE, READY, Setup, main
from tests.engines import missing, require
from tests.waiting import LIMIT_SECONDS

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = {"path": "/usr/bin/runsc", "runtimeArgs": ["--platform=ptrace"]}
ABSENT = detect.Engine(detect.STANDARD, problem="nothing answers")
PRESENT = detect.Engine(detect.STANDARD, version="20.10", runtimes=frozenset({"runc"}))


@pytest.fixture
def runsc(tmp_path: Path) -> str:
    """A program that says it is an old gVisor."""
    path = tmp_path / "runsc"
    path.write_text("#!/bin/sh\necho runsc version 0.0~20221219.0\n")
    path.chmod(0o755)
    return str(path)


def test_an_existing_configuration_keeps_every_key(tmp_path: Path, runsc: str) -> None:
    path = tmp_path / "daemon.json"
    mine = {"data-root": "/srv/docker", "runtimes": {"crun": {"path": "/usr/bin/crun"}}, "dns": ["10.0.0.1"]}
    path.write_text(json.dumps(mine))
    path.chmod(0o640)
    assert configuration.register_runsc(runsc, path)
    after = json.loads(path.read_text())
    assert after["runtimes"].pop("runsc") == {"path": runsc, "runtimeArgs": ["--platform=ptrace"]}
    assert after == mine
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_fresh_configuration_has_small_networks_and_capped_logs(tmp_path: Path, runsc: str) -> None:
    path = tmp_path / "docker" / "daemon.json"
    assert configuration.register_runsc(runsc, path)
    fresh = json.loads(path.read_text())
    assert fresh["default-address-pools"] == [{"base": "10.213.0.0/16", "size": 26}]
    assert fresh["log-opts"]["max-size"] == "10m"


def test_gvisor_that_is_registered_already_is_left_as_it_is(tmp_path: Path, runsc: str) -> None:
    path = tmp_path / "daemon.json"
    path.write_text('{"runtimes": {"runsc": {"path": "/opt/mine"}}}')
    assert not configuration.register_runsc(runsc, path)
    assert path.read_text() == '{"runtimes": {"runsc": {"path": "/opt/mine"}}}'


def test_gvisor_is_registered_again_for_previews_with_the_network_of_its_container(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    gvisor = {"path": "/opt/runsc", "runtimeArgs": ["--platform=ptrace", "--network=none"]}
    path.write_text(json.dumps({"runtimes": {"runsc": gvisor}, "dns": ["10.0.0.1"]}))
    assert configuration.register_for_previews(path)
    after = json.loads(path.read_text())
    second = {"path": "/opt/runsc", "runtimeArgs": ["--platform=ptrace", "--network=host"]}
    assert after == {"runtimes": {"runsc": gvisor, "runsc-previews": second}, "dns": ["10.0.0.1"]}
    assert not configuration.register_for_previews(path), "it is there"
    path.write_text('{"runtimes": {"crun": {}}}')
    assert not configuration.register_for_previews(path), "there is no gVisor"


def test_a_broken_configuration_is_not_overwritten(tmp_path: Path, runsc: str) -> None:
    path = tmp_path / "daemon.json"
    path.write_text("{ broken")
    with pytest.raises(EngineProblem, match="is not JSON"):
        configuration.register_runsc(runsc, path)
    assert path.read_text() == "{ broken"


@pytest.mark.parametrize(
    ("version", "platform"),
    [
        ("runsc version 0.0~20221219.0", "ptrace"),
        ("runsc version release-20240729.0", "systrap"),
        ("", "systrap"),
    ],
)
def test_the_platform_is_one_that_the_release_has(version: str, platform: str) -> None:
    assert configuration.platform_of(version) == platform


def test_a_policy_of_ours_goes_and_one_of_theirs_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with packages.nothing_starts(policy):
        assert subprocess.run([str(policy)], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("#!/bin/sh\nexit 0\n")
    with packages.nothing_starts(policy):
        assert "exit 0" in policy.read_text()
    assert policy.exists()


def test_the_policy_goes_also_when_the_installation_fails(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with pytest.raises(EngineProblem), packages.nothing_starts(policy):
        raise EngineProblem("apt failed")
    assert not policy.exists()


def test_the_policy_of_a_run_that_was_killed_goes(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    packages.forget_policy(policy)
    policy.write_text(f"#!/bin/sh\n{packages.MARK}\nexit 101\n")
    packages.forget_policy(policy)
    assert not policy.exists()


APT = """#!/bin/sh
trap '' INT  # as while it runs dpkg
echo "$@" >> {folder}/began
while [ "$1" = --configure ] && [ ! -e {folder}/interrupted ]; do sleep 0.1; done
echo "$@" >> {folder}/ended
"""
INSTALL = """
import runpy, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
from seatrial.embedded.engine import packages, setup
packages.nothing_starts.__wrapped__.__defaults__ = (Path(sys.argv[1]),)
setup.main = lambda: packages.install(["docker.io"])
sys.argv[0] = "scripts/engine"
runpy.run_path("scripts/engine", run_name="__main__")
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_installation_is_ended_well(tmp_path: Path, sign: signal.Signals) -> None:
    for name in ("apt-get", "dpkg"):
        (tmp_path / name).write_text(APT.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    policy = tmp_path / "policy-rc.d"
    installing = subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(policy)],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    began = tmp_path / "began"
    while not began.exists() or "--configure -a" not in began.read_text():
        assert installing.poll() is None, installing.communicate()
        time.sleep(0.02)
    os.killpg(installing.pid, sign)
    assert installing.stdout
    waiting = installing.stdout.readline()
    (tmp_path / "interrupted").touch()
    out, err = installing.communicate(timeout=LIMIT_SECONDS)
    assert "waiting until dpkg has ended" in waiting, out + err
    assert (tmp_path / "ended").read_text().splitlines()[-1] == "--configure -a", "dpkg was left to end"
    assert not policy.exists()
    assert installing.returncode != 0


@pytest.mark.parametrize(
    ("release", "known"),
    [('ID=debian\nID_LIKE=""', True), ("ID=ubuntu\nID_LIKE=debian", True), ("ID=fedora", False), ("", False)],
)
def test_distributions(tmp_path: Path, release: str, known: bool) -> None:
    (tmp_path / "os-release").write_text(release)
    assert packages.is_debian_like(tmp_path / "os-release") is known


def absent(
    monkeypatch: pytest.MonkeyPatch, engine: detect.Engine = ABSENT, programs: tuple[str, ...] = ()
) -> None:
    """A machine with this engine and these programs."""
    monkeypatch.setattr(detect, "ask", lambda *_, **__: engine)
    monkeypatch.setattr(packages, "has", lambda program: program in programs)


def test_a_dry_run_names_every_package_and_touches_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(monkeypatch)
    monkeypatch.setattr(machine, "obstacle", lambda: None)
    assert Setup({}, dry_run=True).run() == READY
    said = capsys.readouterr().out
    assert len(said.strip().splitlines()) == 1
    for word in (
        "docker.io",
        "runsc",
        "buildah",
        "uidmap",
        "slirp4netns",
        "debootstrap",
        "SEATRIAL_NO_INSTALL",
    ):
        assert word in said


def test_a_running_engine_without_gvisor_is_only_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(monkeypatch, PRESENT, ("buildah", "newuidmap", "runc", "slirp4netns", "debootstrap"))
    assert Setup({}, dry_run=True).run() == READY
    said = capsys.readouterr().out
    assert "installing runsc" in said
    assert "docker.io" not in said
    assert "starting" not in said


def test_no_install_refuses_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(monkeypatch)
    assert main([], {"SEATRIAL_NO_INSTALL": "1"}) == FAILED
    assert "apt-get install docker.io" in capsys.readouterr().err


def test_a_machine_where_no_engine_can_run_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(monkeypatch)
    monkeypatch.setattr(machine, "obstacle", lambda: "this is a container without CAP_SYS_ADMIN")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main([], {}) == IMPOSSIBLE
    said = capsys.readouterr().err
    assert "CAP_SYS_ADMIN" in said
    assert "no isolation" in said


def test_an_engine_elsewhere_is_left_to_its_owner(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"DOCKER_HOST": "unix:///nonexistent.sock"}) == FAILED
    assert "DOCKER_HOST names it" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="asks as root")
@pytest.mark.parametrize(
    ("around", "why"),
    [
        (("unshare", "-Ur"), "user namespace"),
        (("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"), "CAP_SYS_ADMIN"),
        (("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"), "CAP_NET_ADMIN"),
        (("setpriv", "--reuid", "65534", "--clear-groups"), "not root"),
    ],
)
def test_the_preflight_sees_what_is_in_the_way(around: tuple[str, ...], why: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom seatrial.embedded.engine import machine\nprint(machine.obstacle())"
    done = subprocess.run(
        [*around, "/usr/bin/python3", "-c", code], capture_output=True, text=True, check=True
    )
    assert why in done.stdout


@pytest.mark.docker
def test_this_machine_is_ready_and_stays_so() -> None:
    require("docker")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "engine"), "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "answers at" in done.stdout


def test_an_engine_that_is_not_ours_is_never_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(daemon, "NOTE", tmp_path / "engine.json")
    monkeypatch.setattr(daemon, "pids", list)
    assert not daemon.may_start({})
    (tmp_path / "engine.json").write_text("{}")
    assert not daemon.may_start({"DOCKER_HOST": "unix:///somewhere.sock"})


@pytest.mark.docker
def test_a_second_engine_is_never_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require("docker")
    monkeypatch.setattr(daemon, "NOTE", tmp_path / "engine.json")
    (tmp_path / "engine.json").write_text("{}")
    if not daemon.pids():
        missing("the engine's process is not visible from here")
    assert not daemon.may_start({})


def test_a_pid_file_that_names_a_stranger_or_nobody_is_in_no_daemons_way(tmp_path: Path) -> None:
    mine, nobody = tmp_path / "docker.pid", tmp_path / "docker/containerd/containerd.pid"
    nobody.parent.mkdir(parents=True)
    mine.write_text(str(os.getpid()))
    nobody.write_text("999999999\n")
    daemon.forget_the_dead(tmp_path)
    assert not mine.exists()
    assert not nobody.exists()


def test_the_pid_file_of_a_daemon_that_lives_is_kept(tmp_path: Path) -> None:
    dockerd = tmp_path / "dockerd"
    dockerd.symlink_to(shutil.which("sleep") or "sleep")
    file = tmp_path / "docker.pid"
    with subprocess.Popen([dockerd, "60"]) as living:
        while Path(f"/proc/{living.pid}/comm").read_text() != "dockerd\n":  # the kernel names it last
            time.sleep(0.01)
        file.write_text(str(living.pid))
        daemon.forget_the_dead(tmp_path)
        living.kill()
    assert file.exists()


@pytest.mark.docker
def test_the_engines_runc_version_is_known() -> None:
    assert re.match(r"v?\d+\.\d+|[0-9a-f]{7}", detect.ask().runc)
