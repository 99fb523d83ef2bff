"""What installs packages of Node.js: npm, yarn, pnpm or bun, by the lock file."""

import re
from dataclasses import dataclass
from typing import Any

from seatrial.detection.files import Files, table, word
from seatrial.detection.plan import Draft

HOOKS = frozenset({"preinstall", "install", "postinstall", "prepare"})  # scripts that may need any file
LOCKS = (
    ("pnpm-lock.yaml", "pnpm"), ("bun.lock", "bun"), ("bun.lockb", "bun"), ("yarn.lock", "yarn"), ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)  # fmt: skip
SETTINGS = (".npmrc", "pnpm-workspace.yaml")


@dataclass(frozen=True)
class Manager:
    """One of them, as the repository uses it. `modern`: a yarn that the repository names itself."""

    name: str
    lock: str
    version: str = ""
    modern: bool = False
    whole: bool = False  # installing needs all files

    def image(self, node: str) -> tuple[str, str]:
        """(the base image, the user that it has)."""
        return ("oven/bun:1", "bun") if self.name == "bun" else (f"node:{node}-slim", "node")

    def prepare(self, user: str) -> list[str]:
        """The lines that bring it into the image."""
        if self.name == "pnpm":
            return [f"RUN npm install --global pnpm{f'@{self.version}' if self.version else ''}"]
        return ["RUN npm install --global corepack && corepack enable"] if self.modern else []

    @property
    def command(self) -> str:
        """What installs exactly what the lock file names."""
        if not self.lock:
            return f"{self.name} install"
        if self.name == "npm":
            return "npm ci"
        return f"{self.name} install {'--immutable' if self.modern else '--frozen-lockfile'}"

    def install(self, draft: Draft, files: Files, scripts: dict[str, str]) -> None:
        """Add the lines that install: the packages first where they need no other file, so that they are kept between builds."""
        draft.because(self.lock or "package.json", f"installed by {self.name}")
        everything = "COPY --chown={0}:{0} . .".format("bun" if self.name == "bun" else "node")
        if self.whole or HOOKS & scripts.keys():
            draft.add(everything, f"RUN {self.command}")
            return
        names = ["package.json", *filter(None, [self.lock]), *(name for name in SETTINGS if files.has(name))]
        draft.add(everything.replace(" . .", f" {' '.join(names)} ./"), f"RUN {self.command}", everything)


def manager_of(files: Files, package: dict[str, Any]) -> Manager:
    """The one whose lock file is there, else the one that package.json names, else npm."""
    lock, name = next(((lock, name) for lock, name in LOCKS if files.has(lock)), ("", ""))
    named = re.match(r"(npm|yarn|pnpm|bun)@(\d{1,3}(?:\.\d{1,3}){0,2})", word(package, "packageManager"))
    name = name or (named[1] if named else "npm")
    version = named[2] if named and named[1] == name else ""
    modern = name == "yarn" and (files.has(".yarnrc.yml") or (version != "" and not version.startswith("1.")))
    workspaces = isinstance(package.get("workspaces"), list | dict) or files.has("pnpm-workspace.yaml")
    local = any(
        isinstance(wanted, str) and wanted.startswith(("file:", "link:", "patch:", "workspace:"))
        for kind in ("dependencies", "devDependencies")
        for wanted in table(package, kind).values()
    )
    return Manager(name, lock, version, modern, workspaces or modern or local or files.below("patches"))
