"""The two commands, as an operator types them."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from pydantic import SecretStr

from seatrial import __version__
from seatrial.control.accounts.models import User
from seatrial.control.airgap import agents, database, isolation, setup, site
from seatrial.control.airgap.agents import Known, Surveyed
from seatrial.control.airgap.findings import Finding, ok
from seatrial.control.configuration import Configuration
from seatrial.control.fleet.models import Agent
from seatrial.control.installation.errors import NewerSchema, NoDatabase
from seatrial.control.installation.schema import Schema
from seatrial.wire.hosts import AskHost, HostReport
from seatrial.wire.states import AgentState
from tests.airgap.authorities import Made
from tests.airgap.conftest import Answering, as_gitlab, configuration
from tests.airgap.test_hosts import WELL

Run = Callable[..., tuple[list[str], str]]


@pytest.fixture
def run(settings: Any) -> Run:
    """A command's lines on standard output, and the sentence with which it failed."""

    def typed(command: str, *arguments: str, **values: Any) -> tuple[list[str], str]:
        settings.CONFIGURATION = configuration(**values)
        out = io.StringIO()
        try:
            call_command(command, *arguments, stdout=out)
        except CommandError as error:
            assert error.returncode == 1
            return out.getvalue().splitlines(), str(error)
        return out.getvalue().splitlines(), ""

    return typed


class TestSetup:
    @pytest.fixture(autouse=True)
    def _prepared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("seatrial.control.airgap.management.commands.airgap_setup.migrated", lambda: None)

    def test_it_ends_at_the_first_thing_that_is_wrong(self, run: Run, trusted: Path) -> None:
        lines, said = run(
            "airgap_setup", site_url="http://localhost:3000", gitgrit_custom_ca_file_path=trusted
        )
        assert lines == [] and said.startswith(
            "SITE_URL='http://localhost:3000' (host='localhost') is not a public hostname."
        )
        lines, said = run("airgap_setup")
        assert lines == ["SITE_URL OK: https://seatrial.acme.test"]
        assert said.startswith("GITGRIT_CUSTOM_CA_FILE_PATH is not set.")

    @pytest.mark.django_db
    @pytest.mark.postgres
    def test_all_of_it_twice(self, run: Run, trusted: Path, root: Made) -> None:
        person = User.objects.create_user("ann")
        SocialAccount.objects.create(user=person, provider="github", uid="7")
        SocialApp.objects.create(provider="google", name="left", client_id="x")
        kept = SocialApp.objects.create(provider="gitlab", name="on", client_id="x")
        values = {"gitgrit_custom_ca_file_path": trusted, "gitlab_url": "https://gitlab.acme.test"}
        values |= {"gitlab_client_id": "id", "gitlab_client_secret": SecretStr("s")}
        lines, said = run("airgap_setup", **values)
        assert said == ""
        assert lines[:2] == [
            "SITE_URL OK: https://seatrial.acme.test",
            f"Operator CA bundle OK: {trusted} ({len(root.pem)} bytes)",
        ]
        assert lines[2].startswith(
            "Operator CA bundle: 1 certificate, 1 of authorities that can be used, valid until "
        )
        assert lines[3:] == [
            "Running migrations...",
            "Deleted 1 SocialApp row(s) for disabled provider 'google'.",
            "Sign-in follows the settings; on: GitLab; off: GitHub, Gitea, Google.",
            "1 linked account of GitHub kept: nobody signs in with one while AUTH_PROVIDER_GITHUB_ENABLED is off.",
            "Air-gap setup complete.",
        ]
        again, said = run("airgap_setup", **values)
        assert (again, said) == ([line for line in lines if not line.startswith("Deleted")], "")
        assert [row.pk for row in SocialApp.objects.all()] == [kept.pk]

    @pytest.mark.django_db
    @pytest.mark.postgres
    def test_a_provider_that_lacks_a_setting_is_pointed_out(self, run: Run, trusted: Path) -> None:
        lines, _ = run("airgap_setup", gitgrit_custom_ca_file_path=trusted)
        assert "Warning: Nobody can sign in with GitLab: set GITLAB_URL and GITLAB_CLIENT_ID" in "".join(
            lines
        )

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (NoDatabase("the database at db:5432 did not answer"), "the database at db:5432 did not answer"),
            (NewerSchema("this is release 1, which is older"), "this is release 1, which is older"),
            (OperationalError("one\n  two?"), "the database cannot be prepared: one two. Mend that"),
        ],
    )
    def test_a_database_that_cannot_be_prepared(self, error: Exception, said: str, trusted: Path) -> None:
        def broken() -> None:
            raise error

        lines: list[str] = []
        with pytest.raises(Exception, match=said):
            for line in setup.steps(configuration(gitgrit_custom_ca_file_path=trusted), broken):
                lines.append(line)
        assert lines[-1] == "Running migrations..."


def test_it_migrates_by_the_way_of_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[object] = []
    monkeypatch.setattr(setup, "prepare", prepared.append)
    setup.migrated()
    assert len(prepared) == 1


class TestSmoketest:
    @pytest.fixture(autouse=True)
    def _here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(site, "answers", lambda _: [ok("site")])
        monkeypatch.setattr(database, "answers", lambda: [ok("database")])
        monkeypatch.setattr(agents, "online", lambda: [Known("01A", "local", __version__)])

    @pytest.fixture
    def surveyed(self, monkeypatch: pytest.MonkeyPatch) -> list[AskHost]:
        """One agent, and what it was asked."""
        asked: list[AskHost] = []

        def answered(_: Configuration, known: Sequence[Known], question: AskHost) -> list[Surveyed]:
            asked.append(question)
            return [Surveyed(known[0], HostReport(**WELL))]

        monkeypatch.setattr(agents, "surveyed", answered)
        return asked

    def test_all_lines_in_their_order(
        self, run: Run, gitlab: Callable[[Answering], str], trusted: Path, root: Made, surveyed: list[AskHost]
    ) -> None:
        url = gitlab(as_gitlab)
        lines, said = run("airgap_smoketest", gitlab_url=url, requests_ca_bundle=trusted)
        assert said == ""
        assert lines[:2] == [
            f"OK    GITLAB_URL={url}",
            f"OK    REQUESTS_CA_BUNDLE={trusted} ({len(root.pem)} bytes)",
        ]
        assert lines[2].startswith(f"OK    {trusted} holds 1 certificate")
        assert lines[3] == f"OK    {url}/api/v4/version returned 401 in GitLab's own shape"
        assert lines[4] == "OK    clock: agrees with that of GitLab"
        assert lines[5].startswith("OK    DNS from the app: localhost is ")
        assert lines[6] == "OK    site"
        assert lines[7].startswith("OK    redirect URI of the OAuth application in GitLab, exactly: ")
        assert lines[8].startswith("OK    AIRGAPPED=True: ")
        assert lines[9] == "OK    database"
        assert all(line.startswith("OK    agent local: ") for line in lines[10:-1])
        assert lines[-1] == "airgap_smoketest PASSED"
        assert surveyed == [AskHost(names=["localhost"], outside=False)]

    def test_a_failure_does_not_end_it(
        self, run: Run, unresolved: None, monkeypatch: pytest.MonkeyPatch, surveyed: list[AskHost]
    ) -> None:
        monkeypatch.setattr(isolation, "checked", lambda _: [ok("isolated")])
        lines, said = run(
            "airgap_smoketest", "--check-isolation", gitlab_url="https://gitlab.acme.test", airgapped=False
        )
        assert said == "airgap_smoketest FAILED: correct what the lines with FAIL name, and run it again."
        marks = [line[:6] for line in lines]
        assert marks.count("FAIL  ") == 2 and "airgap_smoketest PASSED" not in lines
        assert (
            "FAIL  DNS from the app: gitlab.acme.test does not resolve: [Errno -2] Name or service not known."
            in "".join(lines)
        )
        assert "WARN  AIRGAPPED is not True" in "".join(lines)
        assert lines[-1] == "OK    isolated", "isolation comes last; this agent said nothing of it"
        assert surveyed == [AskHost(names=["gitlab.acme.test"], outside=True)]

    def test_without_an_agent(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(agents, "online", list)
        monkeypatch.setattr(isolation, "checked", lambda _: [ok("isolated")])
        lines, _ = run("airgap_smoketest", "--check-isolation")
        assert [
            line for line in lines if line.startswith("FAIL  no agent is online: ") and "galley-agent" in line
        ]
        assert lines[-1].startswith("WARN  isolation was seen from here only")

    def test_without_a_bus(self, run: Run) -> None:
        lines, _ = run("airgap_smoketest", galley_nats_url="nats://127.0.0.1:1")
        assert [
            line for line in lines if line.startswith("FAIL  the bus does not answer at nats://127.0.0.1:1: ")
        ]

    def test_a_check_that_breaks_is_a_line(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, surveyed: list[AskHost]
    ) -> None:
        def broken() -> list[Finding]:
            raise RuntimeError("nobody expected this")

        monkeypatch.setattr(database, "answers", broken)
        lines, said = run("airgap_smoketest")
        assert (
            "FAIL  a check could not be made: RuntimeError: nobody expected this. The other lines still hold"
            in lines
        )
        assert said and lines[-1].startswith("OK    agent local: ")


@pytest.mark.django_db
@pytest.mark.postgres
class TestDatabase:
    def line(self) -> str:
        [finding] = database.answers()
        return finding.line

    def test_well(self) -> None:
        assert self.line() == "OK    the database answers, with the schema of this release"

    def test_migrations_that_are_to_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        schema = Schema(applied=frozenset(), unknown=(), missing=("fleet.0099_more", "fleet.0100_most"))
        monkeypatch.setattr(database, "read_schema", lambda: schema)
        assert (
            self.line()
            == "FAIL  the database lacks 2 migrations of this release. Run: python manage.py airgap_setup"
        )

    def test_only_agents_that_are_online_are_asked(self) -> None:
        for name, state in zip("abcd", AgentState, strict=True):
            Agent.objects.create(name=name, state=state, public_key=name, release="1")
        assert [agent.name for agent in agents.online()] == ["a", "b"]


@pytest.mark.parametrize(
    "error", [NoDatabase("it is away"), NewerSchema("it is away"), OperationalError("it\n is away")]
)
def test_a_database_that_cannot_be_used_is_a_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: float) -> None:
        raise error

    monkeypatch.setattr(database, "await_database", away)
    [finding] = database.answers()
    assert finding.line.startswith("FAIL  ") and finding.line.endswith("it is away")


def typed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seatrial.control.manage", *arguments]
    base = {
        "SITE_URL": "https://seatrial.acme.test",
        "SECRET_KEY": "x",
        "DB_HOST": "/nowhere",
        "DB_POOL_SIZE": "0",
    }
    base |= {"GALLEY_NATS_URL": "nats://127.0.0.1:1", "NO_PROXY": "*"}
    return subprocess.run(
        command, env={**os.environ, **base, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow  # two processes
def test_the_processes_end_as_scripts_expect(tmp_path: Path) -> None:
    failed = typed("airgap_setup", GITGRIT_CUSTOM_CA_FILE_PATH='"/a b"\r')
    assert (failed.returncode, failed.stdout) == (1, "SITE_URL OK: https://seatrial.acme.test\n")
    assert failed.stderr.startswith("CommandError: GITGRIT_CUSTOM_CA_FILE_PATH is set (/a b) but ")
    # A terminal that cannot show every character.
    failed = typed("airgap_smoketest", GITLAB_URL="http://gitlab.acme.test", PYTHONIOENCODING="ascii")
    assert failed.returncode == 1
    assert failed.stdout.startswith(
        "FAIL  GITLAB_URL='http://gitlab.acme.test' must begin with https://, not http://\n"
    )
    assert (
        failed.stderr
        == "CommandError: airgap_smoketest FAILED: correct what the lines with FAIL name, and run it again.\n"
    )


@pytest.mark.parametrize(
    "url",
    ["gitlab.acme.test", "https://gitlab.acme.test:99999", "https://[::1", "'https://x", "https://a b"],
)
def test_an_address_that_is_none_ends_the_process_with_its_name(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatrial.control.configuration import read_configuration

    monkeypatch.setenv("GITLAB_URL", url)
    with pytest.raises(SystemExit, match=r"^GITLAB_URL: "):
        read_configuration()


def test_just_after_the_start_of_a_stack_its_agent_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = [Known("01A", "local", __version__)]
    looks = iter([[], [], joined])
    monkeypatch.setattr(agents, "JOINING_SECONDS", 60.0)
    monkeypatch.setattr(agents, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(agents, "online", lambda: next(looks))
    assert agents.awaited() == joined
    assert next(looks, None) is None, "and no longer than that"
