"""Secrets and keys of builds: steps that mount them have them, and nothing else does, afterwards or meanwhile."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.dialect import Dialect
from seatrial.agent.vocabulary.errors import BuildError
from tests.builds.conftest import AnyBuilder, Lines, both_in_campaigns
from tests.builds.test_dialect import NEW, OLD, adapted

Make = Callable[..., BuildRequest]
SECRET = "s3cr3t-of-a-build-4711"
RECIPE = """FROM {base}
RUN --mount=type=secret,target=/run/secrets/token test "$(cat /run/secrets/token)" = {length} || wc -c < /run/secrets/token > /length
RUN --mount=type=secret,id=token,required cat /run/secrets/token | busybox md5sum > /digest
RUN --mount=type=ssh,required busybox test -S "$SSH_AUTH_SOCK" && echo agent > /agent
RUN busybox ls -A /run/secrets 2>/dev/null > /left; busybox env > /environment; busybox ps > /processes
"""


@both_in_campaigns
async def test_a_secret_and_a_key_are_there_for_their_step_and_nowhere_else(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)  # noqa: ASYNC221
    request = request_for("secret", {"Dockerfile": RECIPE.format(base=base, length=0)}, no_cache=True)
    request = replace(request, secrets={"token": SECRET}, ssh={"default": key.read_text()})
    seen: list[str] = []

    async def heed(line: str) -> None:
        listed = ["ps", "-eww", "-o", "args"]
        seen.append(subprocess.run(listed, check=True, capture_output=True, text=True).stdout)  # noqa: ASYNC221
        await log(line)

    await builder.build(request, heed)
    saved = subprocess.run(["docker", "save", request.tag], check=True, capture_output=True).stdout  # noqa: ASYNC221
    found = files_of(saved)
    assert found["length"].strip() == str(len(SECRET)).encode() and found["agent"] == b"agent\n"
    inside = key.read_text().splitlines()[2]
    for what in (saved, log.text.encode(), repr(request).encode(), *(one.encode() for one in seen)):
        assert SECRET.encode() not in what and inside.encode() not in what
    assert any("buildah" in one or isinstance(builder, BuildKitBuilder) for one in seen)
    for name in ("left", "environment", "processes"):
        assert SECRET.encode() not in found[name]
    held = [path for path in builder.data.rglob("*") if path.name in {"secret-token", "key-default"}]
    assert not held, "the files are gone"


def files_of(saved: bytes) -> dict[str, bytes]:
    """The files of all layers of an image, the upper ones in place of the lower."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(saved)) as image:
        for member in image.getmembers():
            file = image.extractfile(member) if member.isfile() else None
            if file is None or not (member.name.startswith("blobs/") or member.name.endswith("layer.tar")):
                continue
            content = file.read()
            try:
                layer = tarfile.open(fileobj=io.BytesIO(content))  # noqa: SIM115
            except tarfile.TarError:
                continue
            found |= {
                one.name: taken.read()
                for one in layer.getmembers()
                if (taken := one.isfile() and layer.extractfile(one))
            }
    return found


def test_a_mount_names_its_id() -> None:
    given = Dialect("Dockerfile", OLD, {}, {}, secrets=["token"], ssh=["default"])
    text = "FROM base\nRUN --mount=type=secret,target=/x/token a\nRUN --mount=type=ssh b\n"
    assert given.adapted(text.encode()).decode() == (
        "FROM base\nRUN --mount=type=secret,target=/x/token,id=token a\nRUN --mount=type=ssh,id=default b\n"
    )
    assert not given.notes


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ("type=secret,id=t,required", "the recipe gives this build no t below build.secrets. Name it there"),
        ("type=ssh,required=true", "the recipe gives this build no default below build.ssh. Name it there"),
        ("type=secret,id=t,env=T", r"buildah 1.\d+ of this host gives secrets as files only. Leave env= out"),
        ("type=secret", "it says no id"),
    ],
)
def test_what_is_not_given_is_said_with_its_line(version: tuple[int, int], mount: str, said: str) -> None:
    with pytest.raises(BuildError, match=f"^Dockerfile:2: RUN --mount={mount}: {said}"):
        adapted(f"FROM base\nRUN --mount={mount} x\n", version)


def test_a_step_without_its_secret_says_so_in_the_log() -> None:
    dialect = Dialect("Dockerfile", NEW, {}, {})
    dialect.adapted(b"FROM base\nRUN --mount=type=secret,id=t x\n")
    assert dialect.notes == [
        "Dockerfile:2: RUN --mount=type=secret,id=t: the recipe gives this build no t below build.secrets, so the step runs without"
    ]
