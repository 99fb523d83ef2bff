"""A user who was just added to the engine's group may use the engine without a new login."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.embedded.engine import detect, packages, setup, smoke
from tests.embedded.test_engine_setup import absent
from tests.engines import require

AS_ENGINE_USER = Path(__file__).resolve().parents[2] / "scripts" / "as-engine-user"
WELL = detect.Engine(
    detect.STANDARD, version="20.10", runtimes=frozenset({"runc", "runsc", "runsc-previews"})
)
EVERYTHING = tuple({**packages.ENGINE, **packages.BUILDS})


@pytest.fixture
def sailor() -> Iterator[pwd.struct_passwd]:
    """A user of this machine, in the group docker as the next login will see it."""
    require("docker")
    name = f"seatrial-test-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--groups", setup.GROUP, name], check=True)
    yield pwd.getpwnam(name)
    subprocess.run(["userdel", name], check=True)


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="makes a user")
def test_a_login_from_before_the_admission_will_do(sailor: pwd.struct_passwd) -> None:
    login = ["setpriv", f"--reuid={sailor.pw_uid}", f"--regid={sailor.pw_gid}", "--clear-groups"]
    script = 'id -nG; id -ng; echo "$0 has $# words"; exec docker version --format ok'
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        [*login, AS_ENGINE_USER, "sh", "-c", script, "it's $HOME", "one two", "three"],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd="/",
    )
    groups, own, words, engine = done.stdout.splitlines()
    assert set(groups.split()) == {sailor.pw_name, "docker"}
    assert own == sailor.pw_name, "newuidmap refuses whoever has changed their own group"
    assert words == "it's $HOME has 2 words"
    assert engine == "ok"


def test_a_user_who_may_use_the_engine_runs_the_command_as_it_is() -> None:
    done = subprocess.run(
        [AS_ENGINE_USER, "sh", "-c", 'echo "$0"; exit 3', "a  b"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_HOST": "unix:///elsewhere.sock"},
    )
    assert (done.stdout, done.returncode) == ("a  b\n", 3)


def test_the_user_joins_the_group_even_if_everything_else_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[list[str]] = []
    absent(monkeypatch, WELL, EVERYTHING)
    monkeypatch.setattr(smoke, "obstacle", lambda *_, **__: None)
    monkeypatch.setattr(setup, "_members", lambda group: ["bob"])
    monkeypatch.setattr(setup.subprocess, "run", lambda command, **_: ran.append(command))
    assert setup.Setup({}, user="bob").run() == setup.READY
    assert ran == []
    assert setup.Setup({}, user="alice").run() == setup.READY
    assert ran == [["usermod", "-aG", "docker", "alice"]]


def test_a_user_who_may_not_use_the_engine_learns_how_even_where_nothing_may_be_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(
        monkeypatch, detect.Engine(detect.STANDARD, problem="not for this user", forbidden=True), EVERYTHING
    )
    assert setup.main([], {"SEATRIAL_NO_INSTALL": "1"}) == setup.FAILED
    said = capsys.readouterr().err
    assert "usermod -aG docker" in said
    assert "apt-get" not in said


def test_an_engine_elsewhere_is_the_one_that_is_asked_after_installing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {"DOCKER_HOST": "tcp://harbour:2375"}
    asked = []

    def ask(environ: dict[str, str]) -> detect.Engine:
        asked.append(environ)
        return detect.Engine(environ["DOCKER_HOST"], version="27", runtimes=frozenset({"runc"}))

    def obstacle(runtime: str, *, to: str = detect.STANDARD) -> None:
        asked.append(to)

    monkeypatch.setattr(detect, "ask", ask)
    monkeypatch.setattr(smoke, "obstacle", obstacle)
    monkeypatch.setattr(packages, "has", lambda program: program != "buildah")
    monkeypatch.setattr(packages, "is_debian_like", lambda: True)
    monkeypatch.setattr(packages, "install", lambda names, **_: asked.append(names))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert setup.Setup(elsewhere).run() == setup.READY
    assert asked == [elsewhere, ["buildah"], elsewhere, elsewhere["DOCKER_HOST"]]
    assert "registering" not in capsys.readouterr().out, "its daemon.json is not on this machine"


def test_who_manages_the_engine_learns_that_previews_of_forks_take_another_registration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(
        monkeypatch,
        detect.Engine(detect.STANDARD, version="27", runtimes=frozenset({"runc", "runsc"})),
        EVERYTHING,
    )
    monkeypatch.setattr(smoke, "obstacle", lambda *_, **__: None)
    monkeypatch.setattr(setup.daemon, "is_ours", lambda: False)
    monkeypatch.setattr(setup.configuration, "register_for_previews", lambda: pytest.fail("it is not ours"))
    assert setup.Setup({}).run() == setup.READY
    assert "sudo runsc install --runtime=runsc-previews -- --network=host" in capsys.readouterr().out
