"""Python: what its files depend on, by which program it is installed, and which framework is started."""

import re
from collections.abc import Iterator

from seatrial.detection.files import Files, table, word
from seatrial.detection.plan import APP_USER, COPY_ALL, Draft, Missed, Plan, Reason, listening
from seatrial.detection.python_start import start
from seatrial.detection.versions import PYTHONS, python_within, tool

MARKS = ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py")
NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?")
ELSEWHERE = re.compile(r"^[ \t]*(-r|-e|-c|--requirement|--editable|--constraint|\.|file:)", re.MULTILINE)
VENV = "ENV PATH=/app/.venv/bin:$PATH"


def detect(files: Files) -> Plan | Missed | None:
    """Requirements of any kind, and something to start."""
    mark = files.first(*MARKS)
    if not mark:
        return None
    draft = Draft()
    started = start(draft, files, frozenset(dependencies(files)))
    if not started.command:
        return Missed(Reason(mark, f"is there, but {started.missing}"))
    version = python_version(draft, files)
    draft.add(f"FROM python:{version}-slim", "WORKDIR /app", APP_USER, "ENV PYTHONUNBUFFERED=1")
    install(draft, files)
    draft.add("USER app", *listening(started.port), started.command)
    return draft.plan("Python", started.framework, started.port)


def dependencies(files: Files) -> Iterator[str]:
    """The names of what is required, in lower case with hyphens; `[extra]`s are names as well."""
    project, pipfile = files.mapping("pyproject.toml"), files.mapping("Pipfile")
    listed = (
        project.get("project", {}).get("dependencies") if isinstance(project.get("project"), dict) else None
    )
    lines = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    for path in ("requirements.txt", *files.matching(r"requirements/[\w.-]+\.txt")):
        lines += files.text(path).splitlines()
    lines += [*table(project, "tool", "poetry", "dependencies"), *table(pipfile, "packages")]
    for line in lines:
        if match := NAME.match(line):
            yield re.sub(r"[-_.]+", "-", match[1].lower())
            if match[2]:
                yield f"{match[1].lower()}{match[2].replace(' ', '')}"


def python_version(draft: Draft, files: Files) -> str:
    """As .python-version, runtime.txt, .tool-versions or the project's files say it."""
    said, file = tool(files, "python", ".python-version", "runtime.txt")
    if said:
        draft.because(file, f"asks for Python {said}")
        return said
    project = files.mapping("pyproject.toml")
    ranges = (
        ("pyproject.toml", word(project, "project", "requires-python")),
        ("pyproject.toml", word(project, "tool", "poetry", "dependencies", "python")),
        ("Pipfile", word(files.mapping("Pipfile"), "requires", "python_version")),
    )
    for name, allowed in ranges:
        exact = allowed if allowed in PYTHONS else python_within(allowed) if allowed else ""
        if exact:
            draft.because(name, f"asks for Python {allowed}")
            return exact
    return PYTHONS[0]


def install(draft: Draft, files: Files) -> None:
    """Add the lines that install, by the lock file that is there."""
    if files.has("uv.lock"):
        draft.because("uv.lock", "installed by uv")
        draft.add("RUN pip install --no-cache-dir uv", "COPY pyproject.toml uv.lock ./")
        draft.add("RUN uv sync --frozen --no-dev --no-install-workspace", COPY_ALL)
        draft.add(
            "RUN uv sync --frozen --no-dev" if files.mapping("pyproject.toml").get("build-system") else "",
            VENV,
        )
    elif files.has("poetry.lock"):
        draft.because("poetry.lock", "installed by Poetry")
        draft.add("RUN pip install --no-cache-dir poetry", "ENV POETRY_VIRTUALENVS_IN_PROJECT=true")
        draft.add(
            "COPY pyproject.toml poetry.lock ./", "RUN poetry install --only main --no-root", COPY_ALL, VENV
        )
    elif files.has("Pipfile"):
        locked = files.has("Pipfile.lock")
        draft.because("Pipfile.lock" if locked else "Pipfile", "installed by Pipenv")
        draft.add("RUN pip install --no-cache-dir pipenv", "ENV PIPENV_VENV_IN_PROJECT=1")
        draft.add(f"COPY Pipfile {'Pipfile.lock ' if locked else ''}./")
        draft.add("RUN pipenv sync" if locked else "RUN pipenv install --skip-lock", COPY_ALL, VENV)
    elif files.has("requirements.txt"):
        draft.because("requirements.txt", "installed by pip")
        local = ELSEWHERE.search(files.text("requirements.txt"))
        step = "RUN pip install --no-cache-dir -r requirements.txt"
        draft.add(*((COPY_ALL, step) if local else ("COPY requirements.txt ./", step, COPY_ALL)))
    else:
        draft.because(files.first("pyproject.toml", "setup.py"), "installed by pip")
        draft.add(COPY_ALL, "RUN pip install --no-cache-dir .")
