"""Everything that an operator can set, type or read is documented: a forgotten entry makes a test fail."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.agent.settings import Settings
from seatrial.cli import deliveries, forges
from seatrial.cli.app import app
from seatrial.control.configuration import Configuration
from seatrial.wire import subjects
from tests.sources import nodes

ROOT = Path(__file__).resolve().parents[1]
TARGETS = [
    "help",
    "demo",
    "stop",
    "demo-compose",
    "stop-compose",
    "test",
    "unit",
    "coverage",
    "campaign",
    "check",
    "lint",
    "types",
    "format",
    "bench",
    "docs",
]
SETTINGS = sorted({name.upper() for kind in (Configuration, Settings) for name in kind.model_fields})
COMMANDS = [
    f"{prefix}{name}"
    for prefix, group in {"": app, "projects ": forges.projects, "deliveries ": deliveries.deliveries}.items()
    for command in group.registered_commands
    if command.callback and (name := command.name or command.callback.__name__)
]


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in read("docs/settings.md"), f"run `make docs`: {name} is not in docs/settings.md"


@pytest.mark.parametrize("kind", [Configuration, Settings])
def test_every_setting_says_what_it_is(kind: type[Configuration] | type[Settings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_the_reference_is_as_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "write_reference.py"), "--check"], check=False, cwd=ROOT
    )
    assert done.returncode == 0, "run `make docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"`seatrial {name}`" in read("docs/settings.md")


def test_the_commands_people_start_with_are_in_the_readme() -> None:
    text = read("README.md")
    for name in ("up", "preview", "check", "close", "status", "down", "doctor"):
        assert f"seatrial {name}" in text


def test_every_bus_subject_is_in_the_table() -> None:
    table = subjects.__doc__ or ""
    agent, workspace = "<agent>", "<workspace>"
    made = [
        subjects.heartbeat(agent),
        subjects.credentials(agent),
        subjects.ask_host(agent),
        subjects.host_answer(agent, "<question>"),
        subjects.observed(agent, "<Kind>"),
        subjects.logs(agent, "<env>", "<dep>", "<svc>"),
        subjects.evaluation_jobs(workspace),
        subjects.desired_bucket(agent),
        subjects.OBSERVED_STREAM,
        subjects.LOGS_STREAM,
        subjects.JOBS_STREAM,
    ]
    assert [subject for subject in made if subject not in table] == []


def test_make_has_exactly_the_targets_and_explains_each() -> None:
    explained = re.findall(r"^([a-z-]+):.*## \S", read("Makefile"), re.MULTILINE)
    assert explained == TARGETS
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in TARGETS:
        assert f"make {target} " in shown


def test_every_room_of_the_house_is_on_the_map() -> None:
    text = read("docs/architecture.md")
    programs = [path for path in (ROOT / "seatrial").iterdir() if (path / "__init__.py").exists()]
    rooms = [path for program in programs for path in program.iterdir() if (path / "__init__.py").exists()]
    unnamed = [f"seatrial/{path.name}" for path in programs if f"`seatrial/{path.name}`" not in text]
    unnamed += [
        str(path.relative_to(ROOT))
        for path in rooms
        if f"`{path.name}`" not in text and f"`{path.parent.name}/{path.name}`" not in text
    ]
    assert unnamed == []


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("wire", {"pydantic", "pydantic_core", "ulid"}),
        ("sandbox", set()),
        ("environ", {"annotated_types", "pydantic", "pydantic_core", "pydantic_settings"}),
        ("embedded/engine", {"seatrial.files"}),
    ],
)
def test_rooms_that_stand_alone_import_hardly_anything(room: str, allowed: set[str]) -> None:
    own = "seatrial." + room.replace("/", ".")
    strange = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / "seatrial" / room).rglob("*.py")
        for name in imported(file)
        if name != own and not name.startswith(own + ".")
        if name not in allowed and name.split(".")[0] not in allowed | sys.stdlib_module_names
    ]
    assert strange == []


def imported(file: Path) -> Iterator[str]:
    """Every module that `file` imports, wherever in it."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_picture_is_shown_somewhere() -> None:
    pages = "".join(page.read_text() for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
    pictures = (ROOT / "docs" / "images").iterdir()
    assert [picture.name for picture in pictures if f"images/{picture.name})" not in pages] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []
