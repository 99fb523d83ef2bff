"""Measures the evaluation of 26 policies: warm, cold, repeated, and with one container per policy; and on a very large tree."""

import ast
import asyncio
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.timing import Measurement, stopwatch
from seatrial.agent.builds.assembly import docker_builds, for_sandboxes
from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.checkouts.commit import CommitTree
from seatrial.agent.checkouts.tags import Named
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.rounds import Round
from seatrial.agent.sandboxes.validation import judge
from seatrial.wire.deployments import Source
from seatrial.wire.evaluations import ForgeFacts, PolicyToRun

PACKS = Path(__file__).parent.parent / "seatrial/control/policies/packs"
CHOSEN = ("starter", "python", "documentation", "supply_chain")
MANY = 26  # of their policies: as many as GitGrit comes with
SIZES = (200, 2_000)
LARGE = 21_000  # files, of which one container per policy would take minutes
VAST = 200_000  # files, of some content each: what is measured is how long a listing is, and who holds it
CONTENTS = 2_000
RUNS = 5
BY_HAND_RUNS = 2
RATIOS = [
    (f"{MANY} policies, {files} files, {how}", f"{MANY} policies, {files} files, one container per policy")
    for files in SIZES
    for how in ("warm", "cold", "repeated")
]


def measure() -> list[Measurement]:
    """Measure everything on the engine at DOCKER_HOST. Only the sandbox's image is left afterwards."""
    return asyncio.run(_measure())


async def _measure() -> list[Measurement]:
    engine = Engine(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        _, images, _ = docker_builds(engine, Path(folder) / "builds", "isolated")
        image = SandboxImage(engine, for_sandboxes(images, Path(folder) / "builds"), find_program())
        backend = ContainerSandboxes(engine, image, f"bench-{os.getpid()}")
        try:
            await backend.prepare()
            measurements = [await claims(backend)]
            for files in (*SIZES, LARGE):
                measurements += await evaluations(backend, Path(folder) / str(files), files)
            return [*measurements, *await vast(backend, Path(folder) / "vast")]
        finally:
            await backend.remove_orphans()
            await engine.close()


async def claims(backend: ContainerSandboxes) -> Measurement:
    """The time from a claim until a sandbox is there whose children are ready."""
    pool = Pool(backend, size=1)
    times = []
    async with pool.running():
        for _ in range(RUNS):
            await warmed(pool)
            with stopwatch() as elapsed:
                async with pool.claim():
                    times.append(elapsed() * 1000)
    return Measurement("warm sandbox, claimed", "ms", times)


async def untagged() -> list[Named]:
    """The repositories here have no tags."""
    return []


async def evaluations(backend: ContainerSandboxes, folder: Path, files: int) -> list[Measurement]:
    """The four kinds of evaluation, on a repository of `files` files, in an agent's cache."""
    tree = await fetched(folder, files)
    policies = chosen()
    memo = Memo(folder / "memo.sqlite3", find_program().digest)

    def broker() -> Broker:
        return Broker(CommitTree(tree.bare, tree.commit, untagged), ForgeFacts(default_branch="main"))

    def foreseen(index: int) -> Sequence[str]:
        return memo.asked("bench", policies[index], "bench")

    async def together(pool: Pool) -> None:
        one = broker()
        outcomes = await Round(pool, lambda _: one, foreseen).run(list(enumerate(policies)))
        for index, policy in enumerate(policies):
            result = judge(policy, outcomes[index])
            assert result.score is not None, result
            await memo.keep("bench", policy, "bench", outcomes[index].seen, result)

    async def repeated() -> None:
        fresh = broker()
        for policy in policies:
            assert await memo.find("bench", policy, "bench", fresh)

    async def one_by_one() -> None:
        for policy in policies:
            one = broker()
            await Round(cold, lambda _, one=one: one).run([(0, policy)])  # type: ignore[misc]

    name = f"{MANY} policies, {files} files"
    warm, cold = Pool(backend), Pool(backend, size=0)
    async with warm.running():
        times = [await timed(lambda: together(warm), before=lambda: warmed(warm)) for _ in range(RUNS)]
    measured = [Measurement(f"{name}, warm", "s", times)]
    async with cold.running():
        for how, what, runs in (
            ("cold", lambda: together(cold), RUNS),
            ("repeated", repeated, RUNS),
            ("one container per policy", one_by_one, BY_HAND_RUNS if files < LARGE else 0),
        ):
            times = [await timed(what) for _ in range(runs)]
            measured += [Measurement(f"{name}, {how}", "s", times)] if times else []
    return measured


async def vast(backend: ContainerSandboxes, folder: Path) -> list[Measurement]:
    """A warm evaluation of a tree of VAST files, and how much memory the agent's process has more after it than before."""
    tree = CommitTree(folder / ".git", listed(folder, VAST), untagged)
    broker = Broker(tree, ForgeFacts(default_branch="main"))
    before, policies = psutil.Process().memory_info().rss, chosen()

    async def together() -> None:
        outcomes = await Round(pool, lambda _: broker).run(list(enumerate(policies)))
        for index, policy in enumerate(policies):
            assert judge(policy, outcomes[index]).score is not None, policy.slug

    pool = Pool(backend)
    async with pool.running():
        seconds = await timed(together, before=lambda: warmed(pool))
    grown = (psutil.Process().memory_info().rss - before) / (1 << 20)
    name = f"{MANY} policies, {VAST} files"
    return [
        Measurement(f"{name}, warm", "s", [seconds]),
        Measurement(f"{name}, memory of the agent", "MB", [grown]),
    ]


def listed(folder: Path, files: int) -> str:
    """Make a git repository of `files` paths and few contents; returns its commit."""
    git = ["git", "-C", str(folder)]
    folder.mkdir(parents=True)
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    line = "def handler_{n}(request): return respond(request, status={n})\n"
    texts = ["".join(line.format(n=number + i) for i in range(20)) for number in range(CONTENTS)]
    said = [f"blob\nmark :{n}\ndata {len(text)}\n{text}\n" for n, text in enumerate(texts, 1)]
    said.append(
        "commit refs/heads/main\ncommitter Bench <bench@example.test> 1700000000 +0000\ndata 5\nfiles\n"
    )
    said += [
        f"M 100644 :{n % CONTENTS + 1} src/area_{n // 20_000}/package_{n // 200}/module_{n}.py\n"
        for n in range(files)
    ]
    subprocess.run([*git, "fast-import", "--quiet"], input="".join(said), text=True, check=True)
    done = subprocess.run([*git, "rev-parse", "main"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def timed(
    what: Callable[[], Awaitable[None]], before: Callable[[], Awaitable[None]] | None = None
) -> float:
    """Seconds that `what` takes; `before` runs first and does not count."""
    if before:
        await before()
    with stopwatch() as elapsed:
        await what()
        return elapsed()


async def warmed(pool: Pool) -> None:
    """Wait until all sandboxes are warm and the machine is calm again."""
    async with asyncio.timeout(60):
        while pool.warm < pool.size:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


def chosen() -> list[PolicyToRun]:
    """The first policies of some packs, with the parameters in their files."""
    files = [file for pack in CHOSEN for file in sorted((PACKS / pack).glob("[!_]*.py"))]
    return [
        PolicyToRun(
            version_id=file.stem,
            slug=file.stem.replace("_", "-"),
            code=file.read_text(),
            digest=hashlib.sha256(file.read_bytes()).hexdigest(),
            params=params(file.read_text()),
        )
        for file in files[:MANY]
    ]


def params(code: str) -> dict[str, Any]:
    """What a policy's file gives its parameters."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PARAMS":
            return dict(ast.literal_eval(node.value))
    return {}


async def fetched(folder: Path, files: int) -> CommitTree:
    """A repository, as an agent has it after it fetched it."""
    commit = repository(folder / "work", files)
    source = Source(clone_url=str(folder / "work"))
    tree = await Cache(folder / "cache").fetch(source, "bench", commit)
    assert isinstance(tree, CommitTree)
    return tree


def repository(folder: Path, files: int) -> str:
    """Make a git repository of `files` source files of about 3 kB each; returns its commit."""
    line = "def handler_{n}(request): return respond(request, status={n}, body='nothing to see here')\n"
    for number in range(files):
        path = folder / f"src/package_{number % 40}/module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line.format(n=number + i) for i in range(35)))
    (folder / "README.md").write_text("# Bench\n" + "word " * 60)
    (folder / "Dockerfile").write_text("FROM python:3.11-slim\nCOPY src /src\n")
    git = ["git", "-C", str(folder), "-c", "user.name=Bench", "-c", "user.email=bench@example.test"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "files"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()
