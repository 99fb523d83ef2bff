"""Which language wins, which version is taken, what starts: the rules one by one."""

import json

import pytest

from seatrial.detection.versions import JAVAS, NODES, PHPS, PYTHONS, fits, python_within, within
from tests.detection.examples import EXAMPLES, nothing, plan

APP = {"requirements.txt": "flask\n", "app.py": "app = Flask(__name__)\n"}
START = {"package.json": '{"scripts": {"start": "node x.js"}}'}
PAGE = {"index.html": "<h1>"}


def node(**package: object) -> dict[str, str]:
    return {"package.json": json.dumps(package)}


@pytest.mark.parametrize(
    ("first", "second", "language"),
    [
        (EXAMPLES["go"], APP, "Go"), (EXAMPLES["rails"], START, "Ruby"), (EXAMPLES["laravel"], START, "PHP"),
        (APP, START, "Python"), (START, PAGE, "Node.js"), (EXAMPLES["spring-maven"], START, "Java"),
    ],
)  # fmt: skip
def test_the_language_of_the_server_wins(
    first: dict[str, str], second: dict[str, str], language: str
) -> None:
    assert plan({**second, **first}).language == language


def test_one_that_does_not_know_what_to_start_hands_on() -> None:
    tools = {"requirements.txt": "mkdocs\n", "go.mod": "module x\n", "Gemfile": "gem 'jekyll'\n"}
    assert plan({**tools, **START}).language == "Node.js"
    assert plan({**tools, **PAGE}).language == "static files"
    said = nothing(tools)
    assert [part.split(" ", 1)[0] for part in said.split("; ")] == ["go.mod", "Gemfile", "requirements.txt"]


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [
        (">=18 <21", "20"), ("^22.1.0", "22"), ("~20.1", "20"), ("20.x", "20"), ("18 || 20", "20"), ("*", NODES[0]), (">=16", NODES[0]),
        ("16 - 18", "18"), ("<20", "18"), ("<=20", "20"), (">18", NODES[0]), ("v18.2.0", "18"), ("=18", "18"), ("12", ""), ("lts", ""), ("", ""),
    ],
)  # fmt: skip
def test_ranges_of_node(allowed: str, taken: str) -> None:
    assert within(allowed, NODES) == taken


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [("^8.2", PHPS[0]), ("~8.2.0", "8.2"), ("8.1.*", "8.1"), (">=7.4 <8.2", "8.1"), ("^7.2 || ^8.0", PHPS[0]), ("~7.1", "7.4"), ("^9", "")],
)  # fmt: skip
def test_ranges_of_php(allowed: str, taken: str) -> None:
    assert within(allowed, PHPS) == taken
    assert not fits("8.0", "no version")


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [
        (">=3.11", PYTHONS[0]), ("^3.10", PYTHONS[0]), ("<3.13", "3.12"), ("==3.11.*", "3.11"), ("~=3.10.2", "3.10"), (">=3.14", "3.14"),
        (">=2,<3", ""), ("three", ""),
    ],
)  # fmt: skip
def test_ranges_of_python(allowed: str, taken: str) -> None:
    assert python_within(allowed) == taken


@pytest.mark.parametrize(
    ("files", "base"),
    [
        ({**APP, "runtime.txt": "python-3.11.9\n"}, "python:3.11.9-slim"),
        ({**APP, ".tool-versions": "nodejs 20\npython 3.12.1\n"}, "python:3.12.1-slim"),
        ({**START, ".nvmrc": "v20.11.1\n"}, "node:20.11.1-slim"),
        ({**START, ".nvmrc": "lts/iron"}, "node:20-slim"),
        ({**START, ".nvmrc": "node"}, f"node:{NODES[0]}-slim"),
        ({**EXAMPLES["spring-maven"], ".tool-versions": "java temurin-25.0.1+8\n"}, "eclipse-temurin:25-jdk"),
        ({**EXAMPLES["spring-maven"], "pom.xml": "org.springframework.boot"}, f"eclipse-temurin:{JAVAS[0]}-jdk"),
        ({**EXAMPLES["spring-maven"], "pom.xml": "org.springframework.boot <java.version>1.8</java.version>"}, "eclipse-temurin:8-jdk"),
        ({"build.gradle": "org.springframework.boot\nsourceCompatibility = '16'"}, "gradle:jdk17"),
        ({"Gemfile": "gem 'x'", "config.ru": "", "Gemfile.lock": "RUBY VERSION\n   ruby 3.1.4p223\n"}, "ruby:3.1.4-slim"),
    ],
)  # fmt: skip
def test_versions_are_as_the_files_say(files: dict[str, str], base: str) -> None:
    assert f"FROM {base}" in plan(files).dockerfile


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({**APP, "requirements.txt": "Flask\nuvicorn\n"}, "uvicorn --host 0.0.0.0 --port $PORT --interface wsgi app:app"),
        ({**APP, "app.py": "from flask import Flask\ndef create_app():\n    pass\n"}, "flask --app 'app:create_app()' run"),
        ({"requirements.txt": "starlette\nhypercorn\n", "src/main.py": "api = starlette.applications.Starlette()"}, ""),
        ({"requirements.txt": "quart\nhypercorn\n", "src/main.py": "api = Quart(__name__)"}, "hypercorn --bind 0.0.0.0:$PORT src.main:api"),
        ({"requirements.txt": "django\nuvicorn\n", "manage.py": EXAMPLES["django-poetry"]["manage.py"], "shop/asgi.py": ""},
         "uvicorn --host 0.0.0.0 --port $PORT shop.asgi:application"),
        ({"requirements.txt": "aiohttp\n", "server.py": ""}, '["python", "server.py"]'),
        ({"Gemfile": "gem 'sinatra'", "app.rb": ""}, "bundle exec ruby app.rb -o 0.0.0.0 -p $PORT"),
        ({"Gemfile": "gem 'rack'", "config.ru": ""}, "rackup --host 0.0.0.0 --port $PORT"),
        ({**node(dependencies={"express": "4"}), "server.js": ""}, '["node", "server.js"]'),
        (node(scripts={"build": "nuxt build"}, dependencies={"nuxt": "3"}), "node .output/server/index.mjs"),
        ({"go.mod": "module x.org/web/v2\n", "main.go": "package main\n", "Procfile": "web: web -p $PORT\n"}, "web -p $PORT"),
        ({**APP, "Procfile": "web: gunicorn app:app\n"}, '["sh", "-c", "gunicorn app:app"]'),
    ],
)  # fmt: skip
def test_what_is_started(files: dict[str, str], start: str) -> None:
    if not start:
        assert "makes a Starlette()" in nothing(files)
        return
    assert start in plan(files).dockerfile.splitlines()[-1]


@pytest.mark.parametrize(
    ("package", "folder"),
    [
        ({"devDependencies": {"vite": "6"}}, "dist"), ({"dependencies": {"react-scripts": "5"}}, "build"),
        ({"dependencies": {"astro": "5"}}, "dist"), ({"dependencies": {"@sveltejs/adapter-static": "3", "vite": "6"}}, "build"),
        ({"dependencies": {"@docusaurus/core": "3"}}, "build"),
    ],
)  # fmt: skip
def test_what_leaves_pages_is_served_from_its_folder(package: dict[str, object], folder: str) -> None:
    found = plan(node(scripts={"build": "x", "start": "vite"}, **package))
    assert f"COPY --from=build /app/{folder} " in found.dockerfile


def test_what_renders_on_a_server_is_no_page() -> None:
    both = {"astro": "5", "@astrojs/node": "9"}
    assert "entry.mjs" in plan(node(scripts={"build": "astro build"}, dependencies=both)).dockerfile
    started = node(scripts={"build": "vite build", "start": "node server.js"}, devDependencies={"vite": "6"})
    assert '["npm", "run", "start"]' in plan(started).dockerfile
    exported = {"next.config.js": "module.exports = { output: 'export' }"}
    built = node(scripts={"build": "next build"}, dependencies={"next": "15"})
    assert "COPY --from=build /app/out " in plan({**built, **exported}).dockerfile


@pytest.mark.parametrize(
    ("beside", "how"),
    [
        ({}, "npm install"), ({"package-lock.json": ""}, "npm ci"), ({"yarn.lock": ""}, "yarn install --frozen-lockfile"),
        ({"yarn.lock": "", ".yarnrc.yml": ""}, "yarn install --immutable"), ({"pnpm-lock.yaml": ""}, "pnpm install --frozen-lockfile"),
        ({"bun.lockb": ""}, "bun install --frozen-lockfile"), ({"uv.lock": ""}, "npm install"),
    ],
)  # fmt: skip
def test_the_lock_file_says_what_installs(beside: dict[str, str], how: str) -> None:
    assert f"\nRUN {how}\n" in plan({**START, **beside}).dockerfile


@pytest.mark.parametrize(
    "package",
    [
        {"scripts": {"start": "x", "prepare": "husky"}},
        {"scripts": {"start": "x"}, "dependencies": {"a": "file:a"}},
    ],
)
def test_where_installing_may_need_any_file_all_are_there(package: dict[str, object]) -> None:
    text = plan(node(**package)).dockerfile
    assert text.index("COPY --chown=node:node . .") < text.index("RUN npm install")


def test_several_programs_of_go_and_none_with_a_usual_name() -> None:
    files = {"go.mod": "module x\n", "cmd/a/main.go": "", "cmd/b/main.go": ""}
    assert "cmd/ has several programs (a, b)" in nothing(files)
    assert "./cmd/api" in plan({**files, "cmd/api/main.go": ""}).dockerfile
