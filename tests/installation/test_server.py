"""`galley-server`, as a container runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from pydantic import SecretStr

from seatrial.control.accounts.models import User
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.healthy import worker_problem
from seatrial.control.installation.errors import UnfitPreset
from seatrial.control.installation.first_data import first_of_server
from seatrial.control.policies.models import Policy
from seatrial.control.vault.services import verify_master_key
from tests.bus.servers import free_port
from tests.installation.databases import start
from tests.waiting import eventually

TOKEN = "galley_" + "a1" * 20


def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seatrial.control.server", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`galley-server <arguments>` with the session's database; it ends when it is told to."""
    process = start(connection.settings_dict["NAME"], "server", *arguments, DB_POOL_SIZE="4", **environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout:
            process.stdout.close()


def test_setup_makes_the_keys_once_and_needs_no_database(tmp_path: Path) -> None:
    there = {"GALLEY_KEYS_DIR": str(tmp_path / "keys"), "DB_HOST": "/nonexistent"}
    assert ask("setup", **there).returncode == 0
    made = {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()}
    assert {"nats-auth.conf", "control.creds", "signing.seed"} <= made.keys()
    assert ask("setup", **there).returncode == 0
    assert {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()} == made
    (tmp_path / "keys/operator.seed").unlink()
    broken = ask("setup", **there)
    assert broken.returncode == 1 and "operator.seed is missing" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_setup_says_where_it_may_not_write(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    done = ask("setup", GALLEY_KEYS_DIR=str(tmp_path / "keys"))
    assert done.returncode == 1 and done.stderr.startswith(f"GALLEY_KEYS_DIR {tmp_path / 'keys'} cannot be")


@pytest.mark.parametrize("words", [["--nothing"], ["nothing"], ["worker", "--fast"], ["healthy", "agent"]])
def test_what_it_does_not_know_is_a_usage_error(words: list[str]) -> None:
    done = ask(*words)
    assert done.returncode == 2 and "usage: galley-server" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_for_the_database_can_be_told_to_end(signal_: signal.Signals) -> None:
    process = start("nowhere", "server", "worker", DB_HOST="127.0.0.1", DB_PORT=str(free_port()))
    assert process.stdout and "waiting for the database" in process.stdout.readline()
    process.send_signal(signal_)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal_ and output == ""


@pytest.mark.parametrize(
    ("which", "port", "said"),
    [
        ("web", None, "the web process has not begun yet"),
        ("web", free_port(), "does not answer"),
        ("worker", None, "the worker has not worked yet"),
    ],
)
def test_what_does_not_run_is_not_healthy(which: str, port: int | None, said: str, tmp_path: Path) -> None:
    if port:  # it has begun, and died
        (tmp_path / "seatrial-web.port").write_text(str(port))
    done = ask("healthy", which, TMPDIR=str(tmp_path))
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1


def test_to_ask_costs_next_to_nothing() -> None:
    """It is asked every few seconds, in every container."""
    ask = "import seatrial.control.server, seatrial.control.healthy, sys; print({'pydantic', 'django'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "set()\n"


def test_a_worker_that_wrote_its_beat_long_ago_is_not_healthy(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    beat.touch()
    assert worker_problem(beat) is None
    os.utime(beat, (1, 1))
    assert "has done nothing" in (worker_problem(beat) or "")


@pytest.mark.django_db(transaction=True)
def test_web_makes_the_first_data_says_the_password_and_serves(client, tmp_path: Path) -> None:
    port = {"APP_PORT": str(free_port()), "TMPDIR": str(tmp_path)}
    with running("web", GALLEY_AGENT_TOKEN=TOKEN, **port) as process:
        eventually(lambda: ask("healthy", **port).returncode == 0, what="it serves")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    [line] = [line for line in output.splitlines() if line.startswith("first sign-in: admin / ")]
    assert client.login(username="admin", password=line.split()[4])
    assert Policy.objects.filter(workspace__slug="default").exists()
    assert [token.name for token in BootstrapToken.objects.all()] == ["local"]
    assert TOKEN not in output


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_healthy_while_it_works(tmp_path: Path) -> None:
    there = {"TMPDIR": str(tmp_path), "GALLEY_NATS_URL": f"nats://127.0.0.1:{free_port()}"}
    with running("worker", **there):
        eventually(lambda: ask("healthy", "worker", **there).returncode == 0, what="it works")
    assert not User.objects.exists(), "the web process makes the first data"


@pytest.mark.django_db(transaction=True)
def test_neither_begins_with_the_wrong_key() -> None:
    verify_master_key()
    for which in ("web", "worker"):
        with running(which, GALLEY_MASTER_KEY="22" * 32) as process:
            output, _ = process.communicate(timeout=240)
            assert process.returncode == 1, output
            assert "GALLEY_MASTER_KEY is not the key" in output and "Traceback" not in output


class TestPresets:
    pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

    @pytest.fixture
    def preset(self, settings):
        def change(**values: str) -> None:
            secret = {name: SecretStr(value) for name, value in values.items()}
            settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=secret)
            first_of_server()

        return change

    def test_a_preset_password_is_the_first_one_and_never_said(self, preset, capsys, client) -> None:
        preset(seatrial_admin_password="correct horse battery")
        assert client.login(username="admin", password="correct horse battery")
        assert capsys.readouterr().out == ""

    def test_a_preset_password_that_can_be_guessed_is_refused(self, preset) -> None:
        with pytest.raises(UnfitPreset, match=r"SEATRIAL_ADMIN_PASSWORD: .*too common"):
            preset(seatrial_admin_password="password")
        assert not User.objects.exists()

    def test_nothing_is_made_where_somebody_is_already(self, preset, capsys) -> None:
        User.objects.create_superuser("ada", password="correct horse battery")
        preset(seatrial_admin_password="password")
        assert [user.username for user in User.objects.all()] == ["ada"] and capsys.readouterr().out == ""

    def test_a_preset_token_is_one_use_and_only_for_the_first_agent(self, preset) -> None:
        preset(galley_agent_token=TOKEN)
        preset(galley_agent_token=TOKEN)
        [row] = BootstrapToken.objects.all()
        assert row.digest != TOKEN and row.used_at is None
        before = row.expires_at
        preset(galley_agent_token=TOKEN)
        row.refresh_from_db()
        assert row.expires_at > before, "an install may take longer than a token lasts"
        Agent.objects.create(name="local", public_key="U1", seal_key="s")
        preset(galley_agent_token="galley_" + "b2" * 20)
        assert BootstrapToken.objects.count() == 1

    @pytest.mark.parametrize("token", ["change-me", "galley_", "galley_short", f"{TOKEN} ", "x" * 60])
    def test_a_token_that_could_be_guessed_is_refused(self, preset, token: str) -> None:
        with pytest.raises(UnfitPreset, match="GALLEY_AGENT_TOKEN: a bootstrap token is galley_ and"):
            preset(galley_agent_token=token)
