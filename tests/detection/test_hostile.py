"""A repository decides what its Dockerfile is, and still cannot say more in it than its files are asked for."""

import json
import time
from collections.abc import Mapping

import pytest

from seatrial.agent.recipes.dockerfile import read_dockerfile, words
from seatrial.agent.recipes.dockerfile_lines import instructions
from seatrial.detection import Plan, detect
from tests.detection.examples import EXAMPLES, files, plan

ATTACKS = (
    'evil"]\nRUN evil', "evil\\\nRUN evil", "evil'; evil; '", "$(evil)", "`evil`", "evil\u2028RUN evil", "no name\r\nUSER root",
    "\u202eevil", "evil\x1b[2J", "evil" * 5_000, "${evil}", "1 evil", "1\nevil!", "lts/evil!",
)  # fmt: skip
PLACES = {
    "python version": {"requirements.txt": "flask", "app.py": "app = Flask()", ".python-version": "{}"},
    "python range": {"pyproject.toml": "[project]\nrequires-python = '''{}'''\n", "requirements.txt": "flask", "app.py": "app = Flask()"},
    "flask variable": {"requirements.txt": "flask\ngunicorn", "app.py": "{} = Flask()\napp = Flask()"},
    "django package": {"requirements.txt": "django\ngunicorn", "manage.py": "DJANGO_SETTINGS_MODULE', '{}.settings", "{}/wsgi.py": ""},
    "node version": {"package.json": '{"scripts": {"start": "x"}}', ".nvmrc": "{}"},
    "go module": {"go.mod": "module {}\ngo {}\ntoolchain go{}", "main.go": "package main"},
    "go command": {"go.mod": "module x", "cmd/{}/main.go": "", "cmd/api/main.go": ""},
    "ruby version": {"Gemfile": "ruby '{}'", "bin/rails": "", ".ruby-version": "{}"},
    "java version": {"pom.xml": "org.springframework.boot<java.version>{}</java.version>"},
    "tool versions": {"requirements.txt": "flask", "app.py": "app = Flask()", ".tool-versions": "python {}"},
}  # fmt: skip
IN_JSON = {
    "node scripts": ({"scripts": {"start": "{}", "build": "{}"}, "packageManager": "pnpm@{}", "engines": {"node": "{}"}}, "package.json", {}),
    "vite": ({"scripts": {"build": "x"}, "devDependencies": {"vite": "{}"}}, "package.json", {"vite.config.ts": "outDir: '{}'"}),
    "php": ({"require": {"php": "{}", "ext-{}": "*", "laravel/framework": "{}"}}, "composer.json", {"index.php": ""}),
}  # fmt: skip


def filled(given: object, attack: str) -> object:
    """`given` with the attack in every `{}`."""
    if isinstance(given, dict):
        return {str(filled(key, attack)): filled(value, attack) for key, value in given.items()}
    return given.replace("{}", attack) if isinstance(given, str) else given


def harmless(found: Plan) -> None:
    """Fails if an instruction has anything of the attack, or if a line is none that we write."""
    raw = found.dockerfile.encode()
    read_dockerfile("Dockerfile", raw)
    for _, keyword, text in instructions(raw):
        assert keyword in {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "EXPOSE", "USER", "CMD"}
        assert "evil" not in text.replace("/app/evil ", "") and (  # a folder may have any plain name
            keyword,
            text,
        ) != ("USER", "root")
    assert all(line.isprintable() for line in found.dockerfile.splitlines())
    assert len(found.dockerfile) < 64_000 and len(found.reasons) <= 100


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_files_say_never_becomes_an_instruction(place: str, attack: str) -> None:
    given = filled(PLACES[place], attack)
    assert isinstance(given, Mapping)
    harmless(plan(given))


@pytest.mark.parametrize("place", IN_JSON)
@pytest.mark.parametrize("attack", ATTACKS)
def test_nor_does_what_is_in_json(place: str, attack: str) -> None:
    content, name, beside = IN_JSON[place]
    more = filled(beside, attack)
    assert isinstance(more, dict)
    harmless(plan({name: json.dumps(filled(content, attack)), **more}))


@pytest.mark.parametrize(
    "command",
    [
        "sh -c \"a 'b'\" \\",
        "x'\"]",
        "${X} $(y) `z`",
        "a\\",
        "é \u2028 \u202e",
        "-",
        '"] ; USER root',
        "a \\\\n",
    ],
)
def test_a_procfile_runs_exactly_what_it_says_and_nothing_else(command: str) -> None:
    found = plan({"Procfile": f"web: {command}\nrelease: x", "requirements.txt": ""})
    made = read_dockerfile("Dockerfile", found.dockerfile.encode())
    assert words(made.last("CMD")) == ["sh", "-c", command]
    assert made.last("USER") == "app" and len(made.stages) == 1
    assert all(line.isprintable() for line in found.dockerfile.splitlines())


def test_files_that_are_no_text_or_too_long_say_nothing() -> None:
    for text in ("web: x\0y", "web: " + "x" * 5_000, "web: x" + " " * 300_000):
        assert not isinstance(detect(files({"Procfile": text, "requirements.txt": ""})), Plan)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        "[]",
        "null",
        '"x"',
        '{"scripts": []}',
        '{"scripts": {"start": 1}}',
        "a = 1",
    ],
)
def test_a_file_of_another_shape_is_no_defect(text: str) -> None:
    names = ("package.json", "composer.json", "pyproject.toml", "Pipfile")
    assert not isinstance(detect(files(dict.fromkeys(names, text))), Plan)
    for example in EXAMPLES.values():
        detect(files({name: text if name in names else said for name, said in example.items()}))


@pytest.mark.parametrize(
    "unit", ["\n", " ", "a", "a\n", "/", "web:", "module ", "app =", "=>", "x: y = ", "ruby '", "outDir: 'a/"]
)
def test_reading_takes_time_that_grows_as_the_files_do(unit: str) -> None:
    long = (unit * 260_000)[: 255 * 1024]
    everything = {name: long for example in EXAMPLES.values() for name in example}
    began = time.process_time()
    detect(files(everything))
    detect(files({**everything, "go.mod": "", "pom.xml": "", "package.json": "{}"}))
    assert time.process_time() - began < 20, "a second is usual; what grows with the square takes hours"
