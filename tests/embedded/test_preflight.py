"""Ports, space and the engine are looked at before anything starts; each obstacle names its fix."""

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial import ports
from seatrial.embedded.engine import daemon
from seatrial.embedded.errors import CannotRun, PortTaken
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices, require_engine, require_settings, require_space, settle
from seatrial.embedded.remembered import read, write
from seatrial.ports import is_free
from tests.bus.servers import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this very process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free() -> dict[str, str]:
    return {"APP_PORT": str(free_port()), "SEATRIAL_INGRESS_PORT": str(free_port())}


def test_a_taken_port_is_named_with_its_holder_and_the_flag(data: DataDirectory, taken: int) -> None:
    with pytest.raises(PortTaken) as problem:
        settle(Choices(port=taken), data, free())
    assert str(taken) in str(problem.value)
    assert f"pid {os.getpid()}" in str(problem.value)
    assert "--port" in problem.value.fix
    assert "APP_PORT=" in problem.value.fix


def test_a_taken_ingress_port_names_its_own_flag(data: DataDirectory, taken: int) -> None:
    with pytest.raises(PortTaken) as problem:
        settle(Choices(ingress_port=taken), data, free())
    assert "--ingress-port" in problem.value.fix


def test_the_same_port_twice_is_refused(data: DataDirectory) -> None:
    port = free_port()
    with pytest.raises(CannotRun, match="twice"):
        settle(Choices(port=port, ingress_port=port), data, {})


def test_a_flag_beats_the_environment_beats_what_is_remembered(data: DataDirectory) -> None:
    environ = free()
    first = settle(Choices(), data, environ)
    assert str(first.port) == environ["APP_PORT"]
    write(data.platform_file, first)
    assert settle(Choices(), data, {}) == first
    flag = free_port()
    assert settle(Choices(port=flag), data, {}).port == flag


def test_an_internal_port_that_somebody_took_is_chosen_anew(data: DataDirectory, taken: int) -> None:
    first = settle(Choices(), data, free())
    write(data.platform_file, first.model_copy(update={"nats_port": taken}))
    again = settle(Choices(), data, {})
    assert again.nats_port != taken
    assert again.traefik_port == first.traefik_port


@pytest.mark.parametrize("text", ["many", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(data: DataDirectory, text: str) -> None:
    with pytest.raises(CannotRun, match="is not a port"):
        settle(Choices(), data, {"APP_PORT": text})


def test_a_damaged_platform_file_says_what_to_do(data: DataDirectory) -> None:
    data.platform_file.write_text("{")
    with pytest.raises(CannotRun) as problem:
        read(data.platform_file)
    assert "Remove it" in problem.value.fix


def test_a_start_without_isolation_is_asked_for_every_time(data: DataDirectory) -> None:
    first = settle(Choices(), data, free())
    assert (first.runtime, first.engine) == ("docker", "unix:///var/run/docker.sock")
    write(data.platform_file, first)
    tried = settle(Choices(runtime="process"), data, {})
    assert (tried.runtime, tried.engine) == ("process", first.engine), "what it left there is not forgotten"
    write(data.platform_file, tried)
    assert settle(Choices(), data, {}).runtime == "docker"


def test_an_engine_that_does_not_start_ends_in_an_error_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise daemon.EngineProblem("dockerd does not start: no space")

    monkeypatch.setattr(daemon, "may_start", lambda environ: True)
    monkeypatch.setattr(daemon, "start", fails)
    with pytest.raises(CannotRun, match="no space") as problem:
        require_engine("docker", {"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert "--runtime process" in problem.value.fix


def test_a_port_in_use_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_the_data_directory_is_private(data: DataDirectory) -> None:
    for folder in (data.keys, data.run, data.logs, data.nats):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not stat.S_IMODE(data.root.stat().st_mode) & 0o066


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_data_directory_is_reported_with_numbers(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)], check=True)
    try:
        with pytest.raises(CannotRun, match=r"has \d+ MB free; 500 MB are needed") as problem:
            require_space(mount)
        assert "SEATRIAL_DATA_DIR" in problem.value.fix
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_data_directory_that_cannot_be_made_ends_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotRun, match="cannot be used"):
        DataDirectory(tmp_path / "file" / "data").create()


def test_a_missing_engine_is_never_replaced_silently() -> None:
    with pytest.raises(CannotRun) as problem:
        require_engine("docker", {"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert "scripts/engine" in problem.value.fix
    assert "--runtime process" in problem.value.fix
    require_engine("process", {"DOCKER_HOST": "unix:///nonexistent.sock"})


def test_what_a_program_would_refuse_is_said_before_any_is_started() -> None:
    control = {"GITLAB_URL": "git", "AUTH_PROVIDER_GITLAB_ENABLED": "yes", "LOG_LEVEL": '"info"'}
    agent = {"GITLAB_URL": "git", "GALLEY_MAX_MEMORY": "much"}
    with pytest.raises(CannotRun) as problem:
        require_settings(control, agent)
    names = [line.split(":")[0] for line in str(problem.value).splitlines()]
    assert names == ["AUTH_PROVIDER_GITLAB_ENABLED", "GITLAB_URL", "GALLEY_MAX_MEMORY"]
    assert "Nothing was started" in problem.value.fix
    require_settings({"GITLAB_URL": "'https://git.test/'"}, {"GALLEY_MAX_MEMORY": "4g\r"})


def test_a_secret_in_a_file_that_is_not_there_is_said_too(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"_FILE names a file that cannot be read: .*nowhere"):
        require_settings({"GITLAB_CLIENT_SECRET_FILE": str(tmp_path / "nowhere")}, {})


def test_what_stands_around_a_value_is_left_out(data: DataDirectory) -> None:
    port = free_port()
    environ = {**free(), "APP_PORT": f'"{port}"\r', "SITE_URL": " 'https://sea.example.com/' "}
    settled = settle(Choices(), data, environ)
    assert (settled.port, settled.site_url) == (port, "https://sea.example.com")


@pytest.mark.parametrize(
    ("range_of_the_kernel", "above"), [("20000\t60999\n", 20_000), ("1024\t65535\n", 32_768), ("?", 32_768)]
)
def test_no_port_is_found_that_an_outgoing_connection_could_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, range_of_the_kernel: str, above: int
) -> None:
    monkeypatch.setattr(ports, "_OUTGOING", tmp_path / "range")
    ports._OUTGOING.write_text(range_of_the_kernel)
    assert not [port for port in (ports.find_free() for _ in range(200)) if not 1024 < port < above]
