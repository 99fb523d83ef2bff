"""Go: one binary, in a small image."""

import re

from seatrial.detection.files import Files
from seatrial.detection.plan import COPY_ALL, Draft, Missed, Plan, Reason, listening, program
from seatrial.detection.versions import EXACT, GO

MAIN = re.compile(r"^package main\b", re.MULTILINE)
COMMAND = r"cmd/([A-Za-z0-9][\w-]{0,62})/main\.go"
USUAL = ("server", "web", "api", "app")


def detect(files: Files) -> Plan | Missed | None:
    """A module with a main package: at the top, or in cmd/."""
    if not files.has("go.mod"):
        return None
    draft = Draft()
    draft.because("go.mod", "a Go module")
    package, where = main_package(files)
    if not package:
        return Missed(Reason("go.mod", f"is there, but {where}"))
    draft.because(where, "its main package is built")
    build(draft, files, package)
    return draft.plan("Go")


def main_package(files: Files) -> tuple[str, str]:
    """(the package to build, the file that says so); or (nothing, why there is none)."""
    here = next(
        (path for path in sorted(files.texts) if path.endswith(".go") and MAIN.search(files.text(path))), ""
    )
    if here:
        return ".", here
    commands = {re.sub(COMMAND, r"\1", path): path for path in files.matching(COMMAND)}
    if not commands:
        return "", "there is no main package at the top or in cmd/"
    usual = next((name for name in (*USUAL, module(files)) if name in commands), "")
    name = usual or (next(iter(commands)) if len(commands) == 1 else "")
    if not name:
        several = ", ".join(sorted(commands)[:5])
        return (
            "",
            f"cmd/ has several programs ({several}), and none is called {', '.join(USUAL)} or like the module",
        )
    return f"./cmd/{name}", commands[name]


def module(files: Files) -> str:
    """The last name of the module's path."""
    return files.said("go.mod", r"^module[ \t]+(?:\S*/)?([A-Za-z0-9][\w-]{0,62})[ \t\r]*$") or "app"


def build(draft: Draft, files: Files, package: str) -> None:
    """Add both stages. The program lies in bin/, where a Procfile expects it."""
    version = files.said("go.mod", rf"^toolchain[ \t]+go({EXACT})[ \t\r]*$") or files.said(
        "go.mod", rf"^go[ \t]+({EXACT})[ \t\r]*$"
    )
    draft.because("go.mod" if version else "", f"asks for Go {version}")
    local = bool(files.said("go.mod", r"=>\s*(\.)")) or files.below("vendor")
    name = module(files) if package == "." else package.removeprefix("./cmd/")
    draft.add(
        f"FROM golang:{version or GO} AS build",
        "WORKDIR /src",
        "" if local else f"COPY {'go.mod go.sum' if files.has('go.sum') else 'go.mod'} ./",
        "" if local else "RUN go mod download",
        "COPY . .",
        f"RUN CGO_ENABLED=0 go build -o /out/{name} {package}",
    )
    draft.gap()
    draft.add(
        "FROM alpine:3",
        "WORKDIR /app",
        "RUN adduser -D -u 1000 app && chown app:app /app",
        COPY_ALL,
        f"COPY --from=build /out/{name} ./bin/",
        "USER app",
        "ENV PATH=/app/bin:$PATH",
        *listening(None),
        draft.web_process(files) or program(f"/app/bin/{name}"),
    )
