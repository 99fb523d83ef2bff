"""The cell in which Compose reads a commit's files: what a compose file can name, and must not reach; what Compose costs."""

import asyncio
import marshal
import os
import shutil
import sys
from pathlib import Path

import pytest

from seatrial.agent.commands.running import Finished
from seatrial.agent.recipes.compose.asking import Compose
from seatrial.agent.recipes.compose.cell import Cell
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import ComposeUnavailable, NoRecipe
from tests.recipes.files import Files
from tests.recipes.test_composed import WEB, refusal, web_of


async def test_no_file_of_the_host_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.env"
    secret.write_text("TOKEN=s3cret\n")
    secret.chmod(0o644)
    said = await refusal(f"services:\n  web:\n    image: x\n    env_file: {secret}\n")
    assert said == (
        f"compose.yaml:4: services.web.env_file: refused: {secret} is outside the repository. "
        "Give a path below the repository's root."
    )
    text = f"services: {{web: {{image: x, env_file: [{{path: {secret}, required: false}}]}}}}"
    assert (await web_of(text)).environment == {}


@pytest.mark.parametrize("address", ["https://{}/a.git", "git@{}:a.git", "oci://{}/a"])
async def test_no_address_is_asked(address: str) -> None:
    asked: list[object] = []
    server = await asyncio.start_server(
        lambda _reader, writer: (asked.append(1), writer.close()), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    async with server:
        told = address.format("127.0.0.1" if "@" in address else f"127.0.0.1:{port}")
        said = await refusal(f"services: {{web: {{image: x}}}}\ninclude: ['{told}']\n")
    assert said.startswith("compose.yaml:2: include.0: refused: ") and "is a remote address" in said
    assert not asked


async def test_nothing_of_the_agents_environment_reaches_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTS_TOKEN", "s3cret")
    done = await Cell.installed().run(["config", "--environment"], {"compose.yaml": WEB.encode()}, {"A": "1"})
    names = {line.partition("=")[0] for line in done.text.splitlines()}
    assert names == {"A", "HOME", "PWD", "COMPOSE_PROJECT_NAME"}


async def test_variables_reach_nothing_that_runs_before_compose(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    variables = {
        "PYTHONSTARTUP": "/x",
        "LD_PRELOAD": "/nowhere.so",
        "PATH": "/nowhere",
        "BASH_ENV": str(touched),
    }
    done = await Cell.installed().run(["version"], {}, variables)
    assert (done.code, done.errors) == (0, b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
async def test_an_ordinary_user_has_the_same_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Cell.installed().program
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    command = Cell(program)._command(["config", "--environment"])
    monkeypatch.undo()
    python = shutil.which(
        "python3", path="/usr/bin:/usr/local/bin"
    )  # ours may lie where nobody else may read
    command = [python or part if part == sys.executable else part for part in command]
    child = await asyncio.create_subprocess_exec(
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={"PATH": os.defpath},
    )  # fmt: skip
    said, errors = await child.communicate(
        marshal.dumps({"variables": {b"A": b"1"}, "files": {"compose.yaml": WEB.encode()}}, 2)
    )
    if errors.startswith(b"unshare: "):
        pytest.skip("no namespaces for ordinary users of this host")
    assert b"A=1" in said, errors


async def test_a_host_without_compose_says_so() -> None:
    with pytest.raises(ComposeUnavailable, match="docker-compose is not among its Python packages"):
        await read_recipe(Files(**{"compose.yaml": WEB}), compose=Compose(Cell(None)))


async def test_a_host_without_namespaces_says_so() -> None:
    class Refused(Cell):
        def _command(self, arguments: object) -> list[str]:
            return ["sh", "-c", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1"]

    with pytest.raises(
        ComposeUnavailable, match=r"Operation not permitted.*run the agent as root, or allow user namespaces"
    ):
        await read_recipe(Files(**{"compose.yaml": WEB}), compose=Compose(Refused(Path("x"))))


async def test_the_same_bytes_are_read_once_and_others_anew() -> None:
    runs: list[int] = []

    class Counting(Cell):
        async def run(self, *given: object) -> Finished:
            runs.append(1)
            return await super().run(*given)  # type: ignore[arg-type]

    compose = Compose(Counting(Cell.installed().program))
    files = {"compose.yaml": WEB, "README.md": "one"}
    for readme, variables in (("one", {}), ("two", {}), ("two", {"A": "1"})):
        recipe = await read_recipe(Files(**{**files, "README.md": readme}), variables, compose=compose)
        assert list(recipe.services) == ["web"]
    assert len(runs) == 2


async def test_a_commit_without_a_compose_file_asks_nobody() -> None:
    compose = Compose(Cell(None))
    await read_recipe(Files(Dockerfile="FROM x"), compose=compose)
    with pytest.raises(NoRecipe):
        await read_recipe(Files(README="x"), compose=compose)
