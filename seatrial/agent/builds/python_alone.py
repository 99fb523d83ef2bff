"""The stand-in for what policies run in: Python of Debian 13 and the libraries it needs, whatever the host's own release has.

Nothing else is in it, neither a shell nor any other program. apt fetches the packages from the host's own mirror and checks their
signatures, with folders of its own: what the host has installed, and where its packages come from, stays as it is.
"""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.builds import debian
from seatrial.agent.builds.images import StandIns
from seatrial.agent.builds.standins import PREFIX, RECIPE_LABEL, VERSION_LABEL
from seatrial.agent.commands.running import run
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import AgentError, EngineRefused, ImageUnavailable
from seatrial.agent.vocabulary.labels import CACHE
from seatrial.agent.vocabulary.logs import Log

RELEASE, PYTHON = "trixie", "python3.13"
TAG = f"{PREFIX}python-alone:{RELEASE}"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = (
    f"{PYTHON}-minimal lib{PYTHON}-minimal lib{PYTHON}-stdlib libc6 libgcc-s1 zlib1g libexpat1 libssl3t64 libffi8 libbz2-1.0 "
    "liblzma5 libzstd1 libdb5.3t64 libsqlite3-0 libuuid1 libncursesw6 libtinfo6 libreadline8t64 tzdata netbase media-types ca-certificates"
).split()
LINKS = {
    "bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
    "usr/bin/python3": PYTHON, "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
}  # fmt: skip
UNNEEDED = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "usr/sbin", "usr/share/zoneinfo/right",
    f"usr/lib/{PYTHON}/test", f"usr/lib/{PYTHON}/pydoc_data", f"usr/lib/{PYTHON}/ensurepip",
)  # fmt: skip
STATUS = "var/lib/dpkg/status"
WRITTEN = {
    "etc/os-release": f'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME={RELEASE}\n',
    "etc/passwd": "root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
SECONDS = 300.0  # for each command
RECIPE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


@dataclass
class PythonAlone:
    """`StandIns` for the sandbox's base. It is made once per host and recipe, and kept. Where it cannot be made, `otherwise` is
    asked, whose Python may be older."""

    engine: Engine
    scratch: Path
    otherwise: StandIns
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """See `StandIns.ensure`."""
        try:
            async with self._lock:
                known = await self.engine.images.get(TAG)
                if known is None or known.labels.get(RECIPE_LABEL) != RECIPE:
                    await log(f"{image}: {why}; making {TAG} of Debian's packages, which happens once")
                    await self._make()
        except (AgentError, OSError, TimeoutError) as error:
            await log(f"{TAG} could not be made: {error}")
            return await self.otherwise.ensure(image, why, log)
        return TAG

    async def _make(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="python-", dir=self.scratch) as name:
            root = Path(name) / "root"
            await fetched(Path(name), (await debian.mirror()).uri)
            await unpacked(Path(name) / "archives", root)
            await asyncio.to_thread(finish, root)
            await whole(root)
            version = await compiled(root)
            await self._import(root, version)

    async def _import(self, root: Path, version: str) -> None:
        labels = {CACHE: "true", VERSION_LABEL: version, RECIPE_LABEL: RECIPE}
        changes = [
            f"ENV PYTHON_VERSION={version}",
            *(f'LABEL {name}="{value}"' for name, value in labels.items()),
        ]
        try:
            await self.engine.images.take_in(debian.tarred(root), TAG, changes)
        except EngineRefused as error:
            raise ImageUnavailable(f"the engine did not accept it: {error}") from error


async def fetched(folder: Path, mirror: str) -> None:
    """Have the packages in `folder`/archives. Raises ImageUnavailable."""
    apt = apt_in(folder, mirror)
    await done(*apt, "update")
    await done(*apt, "download", *PACKAGES, directory=folder / "archives")


def apt_in(folder: Path, mirror: str) -> list[str]:
    """apt, with its folders in `folder` and nothing but the release of `mirror` to take packages from."""
    if not KEYRING.is_file():
        raise ImageUnavailable(f"this host cannot check Debian's packages: it lacks {KEYRING}")
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {RELEASE} main\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "-", "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder, "Acquire::Languages": "none", "APT::Sandbox::User": "",
    }  # fmt: skip
    return [
        "apt-get",
        "-qq",
        *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
    ]


async def unpacked(archives: Path, root: Path) -> None:
    """The files of all packages below `root`, and the list of them, which bills of materials and scanners read. Nothing of what a
    package would run is run."""
    lay_out(root)
    listed = []
    for package in packages(archives):
        await done("dpkg-deb", "--extract", str(package), str(root))
        listed.append(await done("dpkg-deb", "--field", str(package)))
    (root / STATUS).write_text("".join(f"{one}\nStatus: install ok installed\n\n" for one in listed))


def packages(archives: Path) -> list[Path]:
    """The packages' files."""
    return sorted(archives.glob("*.deb"))


def lay_out(root: Path) -> None:
    """The folders and links that every package of the release expects."""
    for link, target in LINKS.items():
        if "/" not in link:
            (root / target).mkdir(parents=True, exist_ok=True)
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(target)
    (root / STATUS).parent.mkdir(parents=True)


def finish(root: Path) -> None:
    """Do what the packages' own programs would do as far as Python needs it, and remove what only takes space."""
    for name in UNNEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "usr/sbin").mkdir()
    for folder in ("tmp", "proc", "sys", "dev", "etc/ssl/certs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name, content in WRITTEN.items():
        (root / name).write_text(content)
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(each.read_text() for each in authorities))


async def compiled(root: Path) -> str:
    """Compile its library with itself, so that no sandbox has to; returns its version."""
    python = interpreter(root)
    home = {"PYTHONHOME": str(root / "usr"), "LC_ALL": "C.UTF-8"}
    # Never compared with the source's time: nothing in the image changes.
    how = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    await done(*python, *how, str(root / "usr/lib" / PYTHON), environment=home)
    return await done(*python, "-c", "import platform; print(platform.python_version())", environment=home)


async def whole(root: Path) -> None:
    """Have a look that what Python and its modules link to is in it, too. Raises ImageUnavailable, which names what is not: the host
    may have that library, so that importing the module here would show nothing."""
    loader, *libraries, python = interpreter(root)
    modules = sorted((root / "usr/lib" / PYTHON / "lib-dynload").glob("*.so"))
    for module in [Path(python), *modules]:
        linked = await done(loader, "--inhibit-cache", *libraries, "--list", str(module))
        for name, arrow, found in (line.strip().partition(" => ") for line in linked.splitlines()):
            if arrow and not found.startswith(f"{root}/"):
                raise ImageUnavailable(f"{module.name} links to {name}, which none of the packages has")


def interpreter(root: Path) -> list[str]:
    """The command that runs it from where it lies, with its own libraries, whatever the host has."""
    [loader, *_] = root.glob("usr/lib*/ld-linux-*.so.*")
    libraries = ":".join(str(each) for each in root.glob("usr/lib/*-linux-gnu"))
    return [str(loader), "--library-path", libraries, str(root / "usr/bin" / PYTHON)]


async def done(
    *command: str, directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """What a command prints. Raises ImageUnavailable if it fails."""
    ended = await run(command, directory=directory, environment=environment, timeout_seconds=SECONDS)
    if ended.code:
        said: Sequence[str] = ended.errors.decode(errors="replace").strip().splitlines() or [
            "no reason given"
        ]
        raise ImageUnavailable(f"{Path(command[0]).name} failed: {said[-1]}")
    return ended.text.strip()
