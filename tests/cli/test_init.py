"""`seatrial init`: a complete `.env` after five questions at most, and never one that loses a key."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration
from seatrial.control.vault.keys import MasterKey
from seatrial.dotenv import checking, file
from seatrial.dotenv.variable import Install
from seatrial.environ.sentences import refusals
from tests.cli.test_hostile import obeyed

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.executable).parent / "docker-compose"

ONE_HOST = ["docker compose pull", "docker compose up -d", "docker compose logs -f galley-server"]
CLOSED = [
    "docker compose -f docker-compose.full.yaml up -d",
    "docker compose -f docker-compose.full.yaml exec app python manage.py airgap_setup",
    "docker compose -f docker-compose.full.yaml exec app python manage.py airgap_smoketest --check-isolation",
    "docker compose -f docker-compose.full.yaml logs -f app",
]
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "SEATRIAL_ADMIN_PASSWORD", "GALLEY_AGENT_TOKEN")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


class Person(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`person("one-host", "", ...)`: what is typed; an empty answer takes the default. Returns the questions asked."""

    def answering(*answers: str) -> list[str]:
        asked: list[str] = []
        left = list(answers)

        def prompt(text: str, *, default: str, err: bool) -> str:
            assert err, "standard output may be the file"
            asked.append(text)
            return left.pop(0) or default

        monkeypatch.setattr(sys, "stdin", Person())
        monkeypatch.setattr(typer, "prompt", prompt)
        return asked

    return answering


def values(name: str = ".env") -> dict[str, str]:
    return dict(file.read(Path(name)).values)


def typed_next(output: str) -> list[str]:
    return [line.strip() for line in output.split("Next:\n")[1].splitlines()]


@pytest.mark.parametrize(
    ("kind", "install", "commands"),
    [("one-host", Install.ONE_HOST, ONE_HOST), ("air-gapped", Install.AIR_GAPPED, CLOSED)],
)
def test_a_script_gets_a_complete_file_and_the_next_commands(
    cli: Any, folder: Path, kind: str, install: Install, commands: list[str]
) -> None:
    code, out, err = cli("init", "--kind", kind)
    assert (code, err) == (0, "")
    assert typed_next(out) == [f"cd {folder}", *commands]
    assert checking.examine(install, values()).problems == ()
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    assert not any(values()[name] in out for name in SECRETS), "no secret on the terminal"
    assert cli("init", "--check")[0] == 0


def test_a_person_is_asked_five_questions(cli: Any, person: Any) -> None:
    asked = person(
        "air-gapped", "https://sea.corp.example", "", "gitlab https://gitlab.corp.example/", "none"
    )
    assert cli("init")[0] == 0
    assert len(asked) == 5
    kept = values()
    assert kept["GALLEY_PREVIEW_DOMAIN"] == "preview.sea.corp.example"
    assert (kept["GITLAB_URL"], kept["AUTH_PROVIDER_GITLAB_ENABLED"]) == (
        "https://gitlab.corp.example",
        "True",
    )
    assert "GITGRIT_CUSTOM_CA_FILE_PATH" not in kept


def test_what_an_option_says_is_not_asked(cli: Any, person: Any) -> None:
    asked = person("https://sea.example.com", "", "")
    assert cli("init", "--kind", "one-host", "--forge", "github")[0] == 0
    assert len(asked) == 3 and values()["GITHUB_URL"] == "https://github.com"


def test_an_answer_that_cannot_be_is_asked_again(cli: Any, person: Any) -> None:
    asked = person("compose", "air-gapped", "http://localhost", "sea.internal", "https://sea.internal",
        "*.sea.internal", "preview.sea.internal", "gitlob", "gitlab", "gitlab https://git.internal", "ca.pem", "none",
    )  # fmt: skip
    code, _, err = cli("init")
    assert code == 0 and len(asked) == 12
    for said in (
        "write one-host or air-gapped",
        "must not be localhost",
        "not an address: write it like https://seatrial.example.com",
        "write it without `*.`",
        "write none, github, gitlab, gitea",
        "write its address behind it: gitlab https://gitlab.example.com",
        "not a path from the root",
    ):
        assert said in err


def test_a_script_hears_of_everything_at_once_and_nothing_is_written(cli: Any) -> None:
    code, out, err = cli("init", "--kind", "air-gapped", "--site-url", "http://localhost", "--preview-domain", "a b",
        "--forge", "gitlab", "--ca-file", "/nowhere/ca.pem",
    )  # fmt: skip
    assert (code, out) == (2, "") and not Path(".env").exists()
    for option in ("--site-url", "--preview-domain", "--forge", "--ca-file"):
        assert f"{option}: " in err


@pytest.mark.parametrize(
    ("kind", "name", "server", "agent"),
    [
        ("one-host", "compose.yaml", "galley-server", "galley-agent"),
        ("air-gapped", "docker-compose.full.yaml", "app", "galley-agent"),
    ],
)
def test_what_compose_makes_of_the_file_the_programs_take(
    cli: Any, folder: Path, kind: str, name: str, server: str, agent: str
) -> None:
    compose_file = ROOT / "deploy" / name
    if not compose_file.exists():
        return  # this release has none
    cli("init", "--kind", kind, "--forge", "gitlab https://gitlab.internal")
    words = [COMPOSE, "--project-directory", folder, "-f", compose_file, "config", "--format", "json"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=clean)
    services = json.loads(done.stdout)["services"]
    for service, program in ((server, Configuration), (agent, Settings)):
        given = {key: text for key, text in services[service]["environment"].items() if text is not None}
        assert refusals(program, given) == []
        if program is Configuration:
            assert (
                given["GITLAB_URL"] == "https://gitlab.internal"
                and given["SECRET_KEY"] == values()["SECRET_KEY"]
            )


@pytest.mark.parametrize("words", [("--kind", "compose"), ("--tag", "a b"), ("--tag", "https://a.test")])
def test_an_option_that_cannot_be_is_named(cli: Any, words: tuple[str, ...]) -> None:
    code, _, err = cli("init", *words)
    assert code == 2 and words[0].strip("-").upper() in err.upper() and "defect" not in err
    assert not Path(".env").exists()


def test_a_file_that_exists_is_never_overwritten(cli: Any) -> None:
    cli("init")
    before = Path(".env").read_bytes()
    code, _, err = cli("init")
    assert code == 2 and Path(".env").read_bytes() == before
    assert ".env exists, and nothing was written" in err and "init --force" in err


def test_force_keeps_the_keys_and_whatever_else_is_there(cli: Any) -> None:
    cli("init", "--site-url", "https://one.example.com")
    with Path(".env").open("a") as text:
        text.write("CLOUDFLARE_DNS_API_TOKEN=abc\nGALLEY_KEEP_DAYS=30\n")
    before = values()
    assert (
        cli("init", "--force", "--site-url", "https://two.example.com", "--preview-domain", "p.example.com")[
            0
        ]
        == 0
    )
    after = values()
    assert after == {
        **before,
        "SITE_URL": "https://two.example.com",
        "GALLEY_PREVIEW_DOMAIN": "p.example.com",
    }


def test_force_makes_only_the_key_that_is_missing(cli: Any) -> None:
    cli("init")
    before = values()
    kept = [
        line for line in Path(".env").read_text().splitlines() if not line.startswith("GALLEY_AGENT_TOKEN=")
    ]
    Path(".env").write_text("\r\n".join(kept))
    code, out, _ = cli("init", "--check")
    assert code == 1 and "GALLEY_AGENT_TOKEN: not set" in out
    assert cli("init", "--force")[0] == 0
    fresh = values().pop("GALLEY_AGENT_TOKEN")
    assert values() == {**before, "GALLEY_AGENT_TOKEN": fresh} and fresh != before["GALLEY_AGENT_TOKEN"]


def test_another_kind_of_install_has_the_same_key(cli: Any) -> None:
    cli("init", "--kind", "one-host")
    before = values()
    assert cli("init", "--force", "--kind", "air-gapped")[0] == 0
    closed = values()
    same = MasterKey.parse(before["GALLEY_MASTER_KEY"])
    assert MasterKey.parse(closed["GITGRIT_ENCRYPTION_KEY"]) == same and "GALLEY_MASTER_KEY" not in closed
    assert cli("init", "--force")[0] == 0
    assert values() == closed
    assert cli("init", "--force", "--kind", "one-host")[0] == 0
    assert values()["GITGRIT_ENCRYPTION_KEY"] == closed["GITGRIT_ENCRYPTION_KEY"]
    assert not values().get("GALLEY_MASTER_KEY") and cli("init", "--check", "--kind", "one-host")[0] == 0


def test_a_key_that_is_none_is_not_carried_over(cli: Any) -> None:
    Path(".env").write_text("GALLEY_MASTER_KEY=nonsense\n")
    code, _, err = cli("init", "--force", "--kind", "air-gapped")
    assert code == 2 and "GALLEY_MASTER_KEY is" in err and "nonsense" not in err
    assert Path(".env").read_text() == "GALLEY_MASTER_KEY=nonsense\n"


def test_a_container_does_not_know_the_address(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "9fef8e75dd0b")
    code, out, err = cli("init", "--print")
    assert code == 0 and file.parse(out).values["SITE_URL"] == "https://seatrial.example.com"
    assert "SITE_URL: an example's. Set it to a name of your own" in err
    assert "9fef8e75dd0b" not in cli("init", "--print", "--kind", "air-gapped")[1]


def test_printed_it_is_the_file_and_nothing_else(cli: Any) -> None:
    code, out, err = cli("init", "--print", "--kind", "air-gapped", "--ca-file", "/etc/of/another/host.pem")
    assert code == 0 and not Path(".env").exists()
    assert checking.examine(Install.AIR_GAPPED, file.parse(out).values).problems == ()
    assert "Next, in the folder of the compose file:\n  docker compose -f" in err and "Next" not in out
    assert not any(file.parse(out).values[name] in err for name in SECRETS)


@pytest.mark.parametrize("content", [b"SITE_URL=x\nthis is nothing\n", bytes(range(256)), b"A=1\nA=2\n"])
def test_a_file_that_cannot_be_kept_whole_is_not_touched(cli: Any, content: bytes) -> None:
    Path(".env").write_bytes(content)
    for flag in ("--force", "--check"):
        code, _, err = cli("init", flag)
        assert code == 2 and ".env" in err and "defect" not in err
    assert Path(".env").read_bytes() == content


def test_places_that_cannot_be_written_are_named(cli: Any, folder: Path) -> None:
    (folder / "folder").mkdir()
    for words in (
        ("--file", "nowhere/.env"),
        ("--file", "folder", "--force"),
        ("--file", "folder", "--check"),
    ):
        code, _, err = cli("init", *words)
        assert code == 2 and words[1] in err and "defect" not in err, words
    code, _, err = cli("init", "--check", "--file", "other.env")
    assert code == 2 and "there is no other.env" in err and "init --file other.env" in err


def test_what_is_wrong_with_a_file_is_said_at_once_and_not_obeyed(cli: Any) -> None:
    cli("init")
    kept = values()
    kept |= {"APP_PORT": "\x1b[2Kx", "TAG": "a b", "SITE_URL": kept["SECRET_KEY"], "GALLEY_KEEP_DAYS": "-1"}
    Path(".env").write_text("".join(f'{name}="{value}"\n' for name, value in kept.items()))
    code, out, err = cli("init", "--check")
    assert code == 1 and obeyed(out + err) == [] and kept["SECRET_KEY"] not in out
    for name in ("APP_PORT", "TAG", "SITE_URL", "GALLEY_KEEP_DAYS"):
        assert f"✗ {name}: " in out


def test_of_authorities_only_a_file_of_certificates_is_taken(cli: Any, folder: Path) -> None:
    (folder / "ca.pem").write_text("nothing")
    code, _, err = cli("init", "--ca-file", str(folder / "ca.pem"))
    assert code == 2 and "--ca-file: " in err and "holds no certificates" in err
    code, _, err = cli("init", "--ca-file", str(folder))
    assert code == 2 and "--ca-file: " in err
