"""Writes docs/settings.md, docs/compose.md, docs/install/settings.md, a table of docs/policies.md and both examples of `.env`
from the code, so that they are always right. `--check` only reports whether they are up to date."""

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seatrial.agent.recipes import galley
from seatrial.agent.recipes.compose import limits
from seatrial.agent.recipes.compose.extensions import EXTENSIONS
from seatrial.agent.recipes.galley_schema import galley_schema
from seatrial.agent.settings import Settings
from seatrial.cli.app import app
from seatrial.control.configuration import Configuration
from seatrial.control.sign_in_settings import SignInSettings
from seatrial.dotenv.file import text
from seatrial.dotenv.table import INTERNAL, VARIABLES, default
from seatrial.dotenv.variable import Install, Variable

SIGN_IN = SignInSettings.model_fields
ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
STUB = ROOT / "seatrial/control/policies/static/policies/seatrial_policy.pyi"
QUESTIONS = "<!-- questions: written by `make docs` from seatrial_policy.pyi -->"
END_OF_QUESTIONS = "<!-- end of questions -->"

HEAD = """\
# Settings and commands

Written by `make docs` from the code. Every setting is an environment variable.

## Embedded: what `seatrial up` reads

`seatrial up` decides everything else by itself and passes it to its processes; the settings of the next sections may still be set in its environment.

| variable | default | what it is |
|---|---|---|
| `SEATRIAL_DATA_DIR` | `~/.local/share/seatrial` | The data directory: database, bus, keys, logs, build cache. |
| `APP_PORT` | `3000` | Port of dashboard, API and webhooks (`--port`). Remembered for the next start. |
| `SEATRIAL_INGRESS_PORT` | `8080` | Port of previews (`--ingress-port`). Remembered for the next start. |
| `GALLEY_RUNTIME` | `docker` | `docker`, or `process`: no isolation, for trying out only (`--runtime`). Not remembered: set it at every start. |
| `DB_HOST` | | If set, this PostgreSQL (with the other `DB_*`) is used instead of the embedded one. |
| `SEATRIAL_NO_INSTALL` | | `1`: the set-up scripts install nothing and say what is missing. |
| `DOCKER_HOST` | `unix:///var/run/docker.sock` | The container engine. |
"""


RECIPES = """\
# Recipes: galley.yml, compose files, Dockerfiles

Written by `make docs` from the code. A recipe says how to run a commit. It is the first of these that the repository's root has:
`galley.yml` (or `.yaml`), the compose files that `COMPOSE_FILE` names, `compose.yaml`, `compose.yml`, `docker-compose.yml`,
`docker-compose.yaml`, a `Dockerfile`. A recipe that cannot be followed is refused, and the message names file, line, key and fix
for everything that is wrong. What Seatrial leaves out of a recipe becomes a warning of the deployment.

Where the recipe is in another folder, as in a repository with several applications, an admin sets the project's *recipe folder*:
on its settings page, with `seatrial projects set SHOP --recipe services/shop`, or with
`seatrial preview PATH --recipe services/shop`. Then the recipe is the first of these in that folder. Its paths begin there, and may
lead to any other folder of the repository (`../api`); for a compose file, the `.env` beside it counts, too. `COMPOSE_FILE` in the
project's variables goes before a compose file of the folder. What is set counts from a preview's next deployment on.

A service is a *database*, *cache* or *queue* if the recipe says so (`kind`; in a compose file `x-galley-kind` or the label
`galley.kind`), or else if the name of its image, or of the base image it is built from, says so, or if a compose file pulls it and
it publishes only ports on which nothing but such servers listen (6379, 5432). Such services keep running when a push replaces the
others. So does a pulled service of a compose file that writes to a volume of its own, because two servers would destroy the
volume's data; but not if it is a proxy or depends on services that change with the push.

A service may say how its [data](data.md) comes about: `migrate` is run at each deployment, `seed` once for the data of each preview.

`${NAME}` takes its value from [the variables of previews](variables.md), then from the commit's `.env`. These variables get their values from the
platform when the preview starts: `GALLEY_COMMIT`, `GALLEY_BRANCH`, `GALLEY_NUMBER`, and three for each service with an address.

- `GALLEY_PREVIEW_URL_<service>`, such as `https://pr-7-shop.preview.example.com`, with a port where the address has one.
- `GALLEY_PREVIEW_HOST_<service>`: the same without `https://`.
- `GALLEY_PREVIEW_HOSTNAME_<service>`: the name alone, never with a port, for lists of allowed hosts (Django's `ALLOWED_HOSTS`,
  Rails' `config.hosts`, Vite's `allowedHosts`).

In these names, every character of the service's name that is not a letter or digit is an underscore.

The address of a service with visitors contains the service's name, in lower-case letters, digits and hyphens. Where two names would
become the same (`my_app` and `my-app`), each gets a few more characters, except the one that is already written so.

"""


def default_of(field: FieldInfo) -> str:
    """The default as a person would type it; empty if there is none."""
    value = field.default
    if value is PydanticUndefined or value is None:
        return ""
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return f"`{text}`" if text else ""


def table(fields: dict[str, FieldInfo]) -> str:
    """One row per setting."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in fields.items():
        rows.append(f"| `{name.upper()}` | {default_of(field)} | {field.description or ''} |")
    return "\n".join(rows)


def commands() -> str:
    """One row per command."""
    rows = ["| command | what it does |", "|---|---|", *command_rows(typer.main.get_command(app), "seatrial")]
    return "\n".join(rows)


def command_rows(group: Any, above: str) -> Iterator[str]:
    """The rows of a group's commands, and of theirs."""
    for name, command in group.commands.items():
        words = " ".join(f"`{part}`" for part in options(command))
        yield f"| `{above} {name}` {words} | {command.get_short_help_str(limit=200)} |"
        if hasattr(command, "commands"):
            yield from command_rows(command, f"{above} {name}")


def options(command: object) -> list[str]:
    """Arguments and options of a command, as its help names them."""
    parameters = getattr(command, "params", [])
    return [
        parameter.opts[-1] if parameter.opts[-1].startswith("-") else parameter.metavar or parameter.opts[-1]
        for parameter in parameters
        if parameter.name != "help"
    ]


SEVERAL = """\
## Several recipes

A repository with several applications may have a recipe of each, and every pull request a preview of each. Name the folders: the first one is the recipe
folder, the others are the project's *further recipes*. An admin does so on the project's settings page, or from the command line, with
`seatrial projects set MONO --recipe services/shop --recipe services/admin`, or `seatrial preview PATH --recipe services/shop --recipe services/admin`, which also waits
for all of them. (With the recipe at the root as the first: `--recipe "" --recipe services/admin`.)

| | the first recipe | a further one |
|---|---|---|
| preview, and its address | `pr-7-mono` | `pr-7-mono-services-admin` |
| check or status | `seatrial/preview` | `seatrial/preview (services/admin)` |

A project with one recipe keeps its addresses and names when it gets a second one. Folders that look alike (`my_app`, `my-app`) get a few more characters.

Each preview is one of its own: with its own data and [saved data](data.md), time to live, sleep, pin and buttons, and it counts in the quota. `seatrial logs`, `open`, `exec`
and `port-forward` take its name. Closing the pull request ends all of them, and commands in comments, such as `/preview rebuild`, are about all of them; the comment lists each.
A push deploys all of them; what it did not change is built from the cache. [Live policies](policies.md#live-policies) look at the preview by the first one.

A recipe that you add has previews of all open pull requests at once. Those of one that you take away are removed, with their data. If the first recipe becomes another folder, its
previews go on with their data, from their next deployment on. Reasons: [ADR 88](adr/0088-a-repository-has-a-first-recipe-and-further-ones.md).

"""

WITHOUT = """\
## Without a recipe

A commit that has none of these files gets a Dockerfile that is made from the files it has, and one web service from that. The preview's
page says what was *detected*, because of which files, and shows the Dockerfile. To change it, make it yours: `seatrial recipe --write` in a checkout
writes it (it never overwrites one), and once it is committed nothing is detected any more. `seatrial recipe` shows it without a platform; with a recipe folder, say which: `--recipe services/shop`.

The first language in this table that knows what to start wins: `package.json` comes late, because repositories of the others have one for what
runs in browsers.

| language | files | what is started |
|---|---|---|
| Go | `go.mod`, with a main package at the top or in `cmd/` (one, or one that is called `server`, `web`, `api`, `app` or like the module) | the program |
| Java | `pom.xml`, `build.gradle`, `build.gradle.kts`, built by `mvnw` or `gradlew` where they are | Spring Boot, Quarkus |
| PHP | `index.php` at the top or in `public/`, `web/`, `www/`; `composer.json` | the image's Apache; Laravel gets an `APP_KEY` if it has none |
| Ruby | `Gemfile` | Rails (`bin/rails`, after `db:prepare`, with a `SECRET_KEY_BASE` if it has none), `config.ru` with puma or rackup, `app.rb` with Sinatra |
| Python | `requirements.txt`, `pyproject.toml`, `Pipfile` or `setup.py`; `uv.lock`, `poetry.lock` and `Pipfile.lock` say what installs | Django (`manage.py`, after `migrate`; gunicorn or uvicorn if they are required), FastAPI, Starlette, Litestar, Quart and Flask by the server that is required, Streamlit; `main.py` or `app.py` of others that serve |
| Node.js | `package.json`; the lock file of npm, yarn, pnpm or bun says what installs | the script `start`, after `build`; what Next.js, Nuxt, SvelteKit, Remix and NestJS build; `server.js` and the like |
| pages | `package.json` with a script `build` of Vite, Create React App, Vue CLI, Astro, Gatsby, Docusaurus, Eleventy or Parcel; `index.html` at the top or in `public/`, `dist/`, `site/`, `www/` | nginx |

- `web:` in a `Procfile` says how to start before anything else does, except for PHP and pages.
- Versions come from `.python-version`, `runtime.txt`, `requires-python`, `.nvmrc`, `.node-version`, `engines`, `go.mod`, `.ruby-version`, `Gemfile`,
  `composer.json`, `pom.xml`, `build.gradle`, `.java-version` and `.tool-versions`; of a range, the newest with long support that is in it.
- The application runs without rights of root, and is told its port in `PORT` (8080). A start command of your own may listen on another: the port is then found by what it listens on.
- Databases are not detected: what needs one needs a [`galley.yml`](#galleyyml) or a compose file.
- Base images are official ones, pulled or [stood in for](builders.md) like those of any Dockerfile.

"""


COMPOSE = """\
Compose itself reads them, so they mean here what they mean on a developer's machine: variables with defaults within defaults,
`.env`, anchors, `extends`, `include`, override files (`compose.override.yaml` beside it, or what `COMPOSE_FILE` names),
`COMPOSE_PROFILES`, `COMPOSE_PROJECT_NAME`, `!reset` and `!override`. `COMPOSE_FILE` and the like may be set in the project's variables
or in the commit's `.env`. What differs:

- Compose sees the commit's files and the project's variables, and nothing else: no file of the host, no remote address, no file
  behind a symbolic link, and no file of more than 256 KB.
- A variable without a value is an empty text, as it is everywhere with Compose, and the deployment has a warning. `${NAME:?why}` is
  an error that says why. `GALLEY_...` variables override all others; they may be used in `environment` and `build.args`.
- A file for `env_file` that is not committed counts as empty, with a warning.
- Configs and secrets are copied into the container when it starts; everybody in the container can read them.

"""


def page() -> str:
    """The whole page."""
    parts = [
        HEAD,
        "## Control plane: web and worker\n",
        "`SECRET_KEY`, `GALLEY_MASTER_KEY`, `DB_PASSWORD` and client secrets may come from files: `SECRET_KEY_FILE` and so on name them.\n",
        table({name: field for name, field in Configuration.model_fields.items() if name not in SIGN_IN}),
        "\n## Sign-in: web\n",
        "What each provider needs, step by step: [Sign-in](sign-in.md).\n",
        table(SIGN_IN),
        "\n## Agent: `galley-agent`\n",
        table(Settings.model_fields),
        "\n## Commands\n",
        commands(),
        "\nExit codes: 0 done (or passed), 1 failed (or not passed), 2 a usage or platform error, 130 interrupted.\n",
    ]
    return "\n".join(parts)


EDITORS = """\
Editors complete and check it while it is written, with the JSON Schema that your Seatrial serves, also to people who are not signed in.
With the YAML language server (VS Code, Neovim, JetBrains and others), the first line of the file names it:

    # yaml-language-server: $schema=https://seatrial.example.com/static/galley.schema.json

"""


def fields(kind: type[BaseModel]) -> str:
    """One row per key of a part of galley.yml."""
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        default = "" if field.default in {None, False} else default_of(field)
        rows.append(f"| `{name}` | {default} | {field.description or ''} |")
    return "\n".join(rows)


def keys(reasons: Mapping[str, str]) -> str:
    """One row per key of a compose file."""
    rows = [f"| `{name}` | {reason} |" for name, reason in sorted(reasons.items())]
    return "\n".join(["| key | |", "|---|---|", *rows])


def recipes() -> str:
    """The whole page on recipes."""
    silent = ", ".join(f"`{name}`" for name in sorted(limits.SILENT))
    built, ignored = (
        ", ".join(f"`{name}`" for name in names) for names in (limits.BUILD_REFUSED, limits.BUILD_IGNORED)
    )
    refused = {
        name: ". ".join([why, *filter(None, [limits.INSTEAD.get(name)])])
        for name, why in limits.REFUSED.items()
    }
    top = {name: f"not read by this release. {fix}" for name, fix in limits.NOT_READ.items()}
    parts = [
        f"{RECIPES}{SEVERAL}{WITHOUT}## galley.yml\n\n{EDITORS}`version: 1`, then `services:` with a map of services:\n",
        fields(galley.ServiceKeys),
        f"\n`build:`\n\n{fields(galley.BuildKeys)}",
        f"\n`health:`\n\n{fields(galley.HealthKeys)}",
        f"\n`resources:`\n\n{fields(galley.ResourceKeys)}",
        f"\n## Compose files\n\n{COMPOSE}### Read\n",
        keys({**limits.READ, **EXTENSIONS}),
        f"\n### Ignored with a warning\n\n{keys(limits.IGNORED)}",
        f"\n### Refused\n\n{keys(refused)}",
        f"\nBelow `build`: {built}; {ignored} are ignored with a warning. At the top level:\n\n{keys(top)}",
        f"\n### Without effect\n\nThey change nothing that a visitor could see: {silent}.\n",
    ]
    return "\n".join(parts)


INSTALL = """\
# Environment variable reference

Written by `make docs` from the code. These are the variables of `.env`, which stands beside the compose file of
[one host](compose.md) or of an [air-gapped install](airgapped.md). `seatrial init` writes one, and `seatrial init --check` says what
is wrong with it. The programs check the same when they start: each that finds a variable wrong ends with a sentence per variable, and
has done nothing yet.

Write `NAME=value`. Quotes around a value, spaces beside it and Windows line ends are left out, wherever they come from; only
`POSTGRES_PASSWORD` counts as it is, because PostgreSQL reads it too. A variable without a value is one that is not set. `$` has a
meaning in such a file: write a value with it in single quotes.

Operator-fillable (you set these in `.env`):

| variable | purpose | may be | default | install |
|---|---|---|---|---|
"""

INTERNALLY = """
Compose-internal (do not override in `.env`; set automatically by `docker-compose.full.yaml`):

"""


def install_row(one: Variable) -> str:
    """One variable of `.env`."""
    usual = {install: default(install, one) for install in Install if install in one.installs}
    shown = " / ".join(f"`{value}`" for value in dict.fromkeys(usual.values()) if value)
    if one.required:
        shown = shown or "none: it must be set"
    where = "both" if len(one.installs) > 1 else next(iter(one.installs)).value
    return f"| `{one.name}` | {one.meaning} | {one.what} | {shown} | {where} |"


def install_reference() -> str:
    """The page on `.env`."""
    rows = "\n".join(map(install_row, VARIABLES))
    return f"{INSTALL}{rows}\n{INTERNALLY}{', '.join(f'`{name}`' for name in INTERNAL)}.\n"


def policies() -> str:
    """The page on policies, with its table of what a policy can ask."""
    before, begin, rest = (DOCS / "policies.md").read_text().partition(f"{QUESTIONS}\n")
    _, end, after = rest.partition(END_OF_QUESTIONS)
    rows = "\n".join(f"| `{name}` | {says} |" for name, says in questions())
    return f"{before}{begin}\n| `project.` | returns |\n|---|---|\n{rows}\n\n{end}{after}"


def questions() -> Iterator[tuple[str, str]]:
    """Each question as a policy writes it, and what is answered."""
    module = ast.parse(STUB.read_text())
    project = next(one for one in module.body if isinstance(one, ast.ClassDef) and one.name == "Project")
    for one in project.body:
        assert isinstance(one, ast.FunctionDef)
        if ast.get_docstring(one) is None:
            continue  # another way to call the one before
        for argument in (*one.args.args, *one.args.kwonlyargs):
            argument.annotation = None
        del one.args.args[0]
        is_property = any(ast.unparse(decorator) == "property" for decorator in one.decorator_list)
        asked = one.name if is_property else f"{one.name}({ast.unparse(one.args)})"
        yield asked, ast.get_docstring(one) or ""


def main() -> int:
    """Write, or check."""
    pages = {
        DOCS / "settings.md": page(),
        DOCS / "compose.md": recipes(),
        DOCS / "policies.md": policies(),
        DOCS / "install" / "settings.md": install_reference(),
        ROOT / "seatrial/control/previews/static/galley.schema.json": json.dumps(galley_schema(), indent=1)
        + "\n",
        ROOT / "deploy" / ".env.example": text(Install.ONE_HOST, {}),
        ROOT / "deploy" / ".env.airgap.example": text(Install.AIR_GAPPED, {}),
    }
    if "--check" in sys.argv:
        return 0 if all(path.exists() and path.read_text() == text for path, text in pages.items()) else 1
    for path, content in pages.items():
        path.write_text(content)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
