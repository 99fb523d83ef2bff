"""Dockerfiles as docker's own builder takes them: built all the same, or refused with file, line and fix."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.dialect import Dialect
from seatrial.agent.commands import logged
from seatrial.agent.vocabulary.errors import BuildError
from tests.builds.conftest import Lines, docker
from tests.engines import missing

Make = Callable[..., BuildRequest]
OLD, NEW = (1, 28), (1, 39)


def adapted(text: str, version: tuple[int, int] = OLD) -> str:
    return Dialect("Dockerfile", version, {"base": "/app"}, {}).adapted(text.encode()).decode()


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("COPY --link a /a", "COPY a /a"),
        ("COPY --link=true --chown=1:1 --from=0 a /a", "COPY --chown=1:1 --from=0 a /a"),
        ("ADD --chmod=755 --link a /a", "ADD --chmod=755 a /a"),
        ("RUN --network=default make --link", "RUN make --link"),
        ("HEALTHCHECK --start-interval=1s --interval=5s CMD x", "HEALTHCHECK --interval=5s CMD x"),
        ("RUN --mount=type=bind,target=. make", "RUN --mount=type=bind,target=/app make"),
        ("RUN --mount=type=cache,dst=c \\\n # told\n --mount=target=/b make",
         "RUN --mount=type=cache,dst=/app/c --mount=target=/b make"),
    ],
)  # fmt: skip
def test_said_another_way(instruction: str, expected: str) -> None:
    before, after = "# syntax=docker/dockerfile:1\nFROM base\n# kept\n", "RUN a \\\n && b\n"
    assert adapted(f"{before}{instruction}\n{after}") == f"{before}{expected}\n{after}"


@pytest.mark.parametrize(
    "text",
    [
        "FROM --platform=$BUILDPLATFORM base AS x\nARG TARGETARCH\nRUN --mount=type=secret,id=a make\nCOPY --chmod=755 a b\n",
        "# escape=`\nFROM base\r\nRUN a `\r\n b\n",
        "FROM base\nRUN echo $((1<<N))",
        "FROM base\nCOPY caf\\xe9 /\n",
    ],
)
def test_what_is_known_is_left_as_it_is(text: str) -> None:
    raw = text.encode("latin-1")
    assert Dialect("Dockerfile", OLD, {}, {}).adapted(raw) is raw


def test_a_stage_has_the_folder_of_the_stage_it_begins_from() -> None:
    text = "FROM base AS a\nWORKDIR src\nFROM other\nFROM a\nWORKDIR x\nRUN --mount=target=y z\n"
    assert adapted(text).endswith("RUN --mount=target=/app/src/x/y z\n")


def test_heredocs_are_left_to_a_buildah_that_knows_them() -> None:
    text = "FROM base\nCOPY <<EOF /x\nRUN --network=host\nEOF\nRUN <<'X'\nFROM nothing\nX\nCOPY --link a b\n"
    assert adapted(text, NEW) == text.replace(" --link", "")


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("COPY <<-\"EOF\" /x\n\techo x\n\tEOF", r"Dockerfile:3: COPY: buildah 1\.28 of this host knows heredocs.* in RUN only.*1\.33"),
        ("RUN --network=host make", r"Dockerfile:3: RUN --network=host: a build is kept away"),
        ("RUN --security=insecure make", r"Dockerfile:3: RUN --security=insecure: .* Remove the option"),
        ("COPY --parents a b", r"Dockerfile:3: COPY --parents: buildah 1\.28 of this host does not know it"),
        ("RUN --mount=type=secret,id=t,required=true x", r"Dockerfile:3: RUN --mount=.*a build is given no secrets"),
        ("FROM --platform=linux/s390x base", r"Dockerfile:3: FROM --platform=linux/s390x: this host builds for"),
    ],
)  # fmt: skip
def test_refused_with_line_and_fix(instruction: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        adapted(f"FROM base\n\n{instruction}\n")


@pytest.mark.docker
async def test_buildkits_everyday_options_are_built(
    builder: BuildahBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"""# syntax=docker/dockerfile:1.7
FROM --platform=$BUILDPLATFORM {base} AS made
ARG TARGETARCH
WORKDIR /src
RUN --mount=type=cache,target=/c,sharing=locked \\
    --mount=type=bind,source=text,target=text \\
    --mount=type=bind,target=all \\
    cat text all/text > /both && echo arch=$TARGETARCH
FROM {base}
COPY --link --chmod=600 --from=made /both /both
RUN --network=default --mount=type=secret,id=none ls -l /both
WORKDIR /w
RUN --mount=type=cache,target=c <<EOF
# told
set -e
GREETING="it's \\"afloat\\" \\\\ 100%n"
for n in 1 2; do
  echo "$n $GREETING" >> /script
done
EOF

# and with a command
RUN cat <<-"END" > /given && \\
    cat <<TWO >> /given
	no $EXPANSION
	END
$(echo expanded)
TWO
RUN cat /script /given
CMD cat /both
"""
    files = {"Dockerfile": recipe, "text": "x\n", "Dockerfile.dockerignore": "unseen\n", "unseen": "y"}
    request = request_for("buildkit", files)
    await builder.build(request, log)
    assert await docker("run", "--rm", "--network", "none", request.tag) == "x\nx\n"
    assert any(line.startswith("arch=a") for line in log)
    assert any(line.startswith("-rw------- ") for line in log)
    written = ['1 it\'s "afloat" \\ 100%n', '2 it\'s "afloat" \\ 100%n', "no $EXPANSION", "expanded"]
    assert [line for line in log if line in written] == written


@pytest.mark.docker
async def test_the_bases_healthcheck_is_kept(
    builder: BuildahBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nHEALTHCHECK --interval=7s CMD test -e /bin\n"
    checked = request_for("checked", {"Dockerfile": recipe})
    await builder.build(checked, log)
    await docker("tag", checked.tag, "seatrial-test/checked-base:1")
    child = request_for("child", {"Dockerfile": "FROM seatrial-test/checked-base:1 AS x\nFROM x\nRUN true\n"})
    await builder.build(child, log)
    check = json.loads(await docker("image", "inspect", "-f", "{{json .Config.Healthcheck}}", child.tag))
    assert check == {"Test": ["CMD-SHELL", "test -e /bin"], "Interval": 7_000_000_000}


@pytest.fixture
def bundle() -> Path:
    trusted = Path("/etc/ssl/certs/ca-certificates.crt")
    if os.geteuid() != 0 or not trusted.exists():
        missing("no root, or no ca-certificates on this host")
    return trusted


@pytest.mark.docker
async def test_buildah_trusts_the_hosts_authorities(
    builder: BuildahBuilder, log: Lines, bundle: Path
) -> None:
    authorities = await asyncio.to_thread(bundle.read_text)
    cell = await builder._cell("tests")
    command = cell.enter(["sh", "-c", f"grep -c BEGIN {bundle}; ls /etc/ssl"], None)
    await logged.run(command, log, environment=cell.environment(), timeout_seconds=30)
    assert log == [str(authorities.count("BEGIN")), "certs"]
