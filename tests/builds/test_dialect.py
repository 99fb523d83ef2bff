"""Dockerfiles as docker's own builder takes them: built all the same, or refused with file, line and fix."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.dialect import Base, Dialect
from seatrial.agent.builds.steps import Step, nameless
from seatrial.agent.commands import logged
from seatrial.agent.recipes.dockerfile import of_this_machine
from seatrial.agent.vocabulary.errors import BuildError, RecipeError
from tests.builds.conftest import AnyBuilder, Lines, both_in_campaigns, docker
from tests.engines import missing

Make = Callable[..., BuildRequest]
OLD, NEW = (1, 28), (1, 39)


def adapted(text: str, version: tuple[int, int] = OLD) -> str:
    return Dialect("Dockerfile", version, {"base": Base("/app")}, {}).adapted(text.encode()).decode()


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("COPY --link a /a", "COPY a /a"),
        ("COPY --link=true --chown=1:1 --from=0 a /a", "COPY --chown=1:1 --from=0 a /a"),
        ("ADD --chmod=755 --link a /a", "ADD --chmod=755 a /a"),
        ("RUN --network=default make --link", "RUN make --link"),
        ("HEALTHCHECK --start-interval=1s --interval=5s CMD x", "HEALTHCHECK --interval=5s CMD x"),
        ("COPY --chmod=+x a /a", "COPY --chmod=755 a /a"),
        ("ADD --chmod=a=rx,u+w a /a", "ADD --chmod=755 a /a"),
        ("COPY --chmod=$MODE --from=x a /a", "COPY --chmod=$MODE --from=x a /a"),
        ("RUN --mount=type=bind,target=. make", "RUN --mount=type=bind,target=/app make"),
        ("RUN --mount=type=bind,source=a\\ b,target='c d' x", "RUN --mount=type=bind,source=a\\ b,target=/app/c\\ d x"),
        ("ONBUILD COPY --link a /a", "ONBUILD COPY a /a"),
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


def test_a_stage_is_chosen_by_the_machine_as_dockers_builder_does() -> None:
    machine = of_this_machine()["TARGETARCH"]
    stages = "FROM base AS for-amd64\nFROM base AS for-arm64\n"
    text = f"{stages}FROM --platform=$TARGETPLATFORM for-${{TARGETARCH}} AS $TARGETOS\nRUN echo $TARGETARCH\n"
    expected = f"{stages}FROM --platform=$TARGETPLATFORM for-{machine} AS linux\nRUN echo $TARGETARCH\n"
    assert adapted(text) == expected


def test_a_stage_has_the_folder_of_the_stage_it_begins_from() -> None:
    text = "FROM base AS a\nWORKDIR src\nFROM other\nFROM a\nWORKDIR x\nRUN --mount=target=y z\n"
    assert adapted(text).endswith("RUN --mount=target=/app/src/x/y z\n")


def test_a_script_that_names_its_interpreter_is_given_to_it_whatever_the_version() -> None:
    text = "FROM base\nRUN --network=default <<-EOF\n\t#!/usr/bin/env -S python3 -u\n\tprint('it')\n\tEOF\nRUN true\n"
    given = r"RUN printf %b '#!/usr/bin/env -S python3 -u\0012print(\0047it\0047)\0012' > /dev/shm/EOF && /usr/bin/env '-S python3 -u' /dev/shm/EOF"
    assert adapted(text, OLD) == adapted(text, NEW) == f"FROM base\n{given}\nRUN true\n"


def test_volumes_are_declared_after_the_steps_that_write_below_them() -> None:
    first = "FROM base AS a\nVOLUME /a\nRUN touch /a/x\n"
    second = 'FROM a\nVOLUME ["/b"]\nRUN touch /a/y'
    unused = "\nFROM base\nVOLUME /c\nRUN touch /c/x\n"
    moved = "FROM base AS a\nRUN touch /a/x\n"
    assert adapted(first + second) == moved + 'FROM a\nRUN touch /a/y\nVOLUME /a\n\nVOLUME ["/b"]\n'
    targeted = Dialect("Dockerfile", OLD, {}, {}, "a").adapted((first + second + unused).encode()).decode()
    assert targeted == f"{moved}\nVOLUME /a\n" + "FROM a\nRUN touch /a/y" + "\nFROM base\nRUN touch /c/x\n"


@pytest.mark.parametrize(
    "text",
    [
        "FROM base\nRUN touch /x\nVOLUME /a\nCOPY x /a\n",
        "FROM base AS a\nARG P\nVOLUME $P\nRUN touch /x\nFROM a\nRUN touch /y\n",
    ],
)
def test_volumes_stay_where_nothing_is_lost_or_nothing_is_known(text: str) -> None:
    assert adapted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "FROM base\nRUN --mount=type=bind,source=x,target=/dev make",
        "FROM base\nRUN --mount=type=tmpfs,dst=/srv/../dev/shm make",
        "FROM base\nRUN --mount=type=tmpfs,TARGET=/dev make",
        "FROM base\nRUN --mo\\unt=type=tmpfs,target=/d\\ev make",
        "FROM base\nRUN --'mount'=type=tmpfs,target=\"/dev\" make",
        "FROM base\nRUN --mount=type=tmpfs,target='/x ,target=/dev' make",
        "FROM base\nRUN --network=default \\\n  --mount=type=cache,destination=/dev/x make",
        "FROM base\nWORKDIR /dev\nRUN --mount=target=shm make",
        "FROM base\nARG P=/dev\nRUN --mount=type=tmpfs,target=$P make",
        "FROM base\nENV A=/d\nARG B=${A}ev\nRUN --mount=target=${B:-/x}/shm make",
        "FROM base\nENV A /dev\nWORKDIR $A\nRUN --mount=target=x make",
        "ARG P=/dev\nFROM base\nARG P\nVOLUME $P",
        "FROM base AS a\nENV P=/dev\nFROM a\nVOLUME ${P}/x",
        'FROM base\nARG GIVEN\nVOLUME ["/data", "$GIVEN"]',
        "FROM base\nVOLUME $OF_BASE",
        "FROM base\nVOLUME /de\\v",
        "FROM base AS a\nONBUILD RUN --mount=target=/dev make\nFROM a",
        "FROM base AS a\nONBUILD VOLUME /dev\nFROM a",
        "FROM volumes",
        "FROM triggers",
        "# escape=` and more\nFROM base\nRUN make \\\nVOLUME /dev",
        "FROM base\n# \x0cRUN <<X\nVOLUME /dev\n# \x0cX",
    ],
)
def test_nothing_is_mounted_into_a_step_where_the_kernels_folders_are_however_it_is_written(
    text: str,
) -> None:
    bases = {
        "base": Base(environment={"OF_BASE": "/dev"}),
        "volumes": Base(volumes=["/dev/x"]),
        "triggers": Base(on_build=["ENV A=x", "RUN --mount=target=/dev make"]),
    }
    dialect = Dialect("Dockerfile", NEW, bases, {"GIVEN": "/dev"})
    with pytest.raises(
        BuildError, match=r"^Dockerfile:[1-5]: .*/dev\S* is in /dev, which belongs to the kernel\. Choose"
    ):
        dialect.adapted(text.encode())


def test_a_final_stage_with_nothing_in_it_gets_what_changes_nothing() -> None:
    added = '\nLABEL galley.unchanged=""\n'
    assert adapted("FROM base") == f"FROM base{added}"
    assert adapted("FROM base AS a\nRUN x\nFROM a\n") == f"FROM base AS a\nRUN x\nFROM a\n{added}"
    targeted = Dialect("Dockerfile", OLD, {}, {}, "a").adapted(b"FROM base AS a\nFROM base\nRUN x\n")
    assert targeted.decode() == f"FROM base AS a\n{added}FROM base\nRUN x\n"


@pytest.mark.docker
@both_in_campaigns
async def test_a_dockerfile_of_nothing_but_a_base_is_built(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    stages = {"only": f"FROM {base}", "last": f"FROM {base} AS a\nRUN touch /tmp/a\nFROM a\n"}
    for name, text in stages.items():
        request = request_for(name, {"Dockerfile": text}, no_cache=name == "only")
        await builder.build(request, log)
        assert await docker("run", "--rm", request.tag, "echo", "runs") == "runs\n"
        labels = await docker("inspect", "--format", "{{json .Config.Labels}}", request.tag)
        assert "unchanged" not in labels


def test_a_target_that_cannot_be_known_is_refused() -> None:
    for text in ("RUN --mount=target=${P:+/dev} x", "VOLUME ${P%x}"):
        with pytest.raises(
            BuildError,
            match=r"Dockerfile:2: .*: what \$\{P\S+ stands for is not known here\. Write the path out",
        ):
            adapted(f"FROM base\n{text}\n")


@pytest.mark.parametrize(
    "step",
    [
        "RUN --mount=type=cache,target=$HOME/.cache,sharing=locked make",
        "ENV P=/devices\nRUN --mount=type=cache,target=$P make",
        "RUN --mount=type=bind,target=/dev/../data make",
        "RUN make --mount=target=/dev",
        "RUN echo 'a\u2028b\x0cc\x85d\x1ce'",
        "ONBUILD WORKDIR /dev\nRUN --mount=target=/x make",
        "ONBUILD RUN  make",
    ],
)
def test_targets_elsewhere_and_odd_characters_are_left_alone(step: str) -> None:
    text = f"FROM base\n{step}\n"
    assert adapted(text) == text


@pytest.mark.parametrize("step", ["RUN make", "RUN touch /var/lib/db/x", "COPY a /var/lib/db"])
def test_what_is_lost_below_a_volume_of_the_base_is_logged_and_warned_of_where_a_step_names_it(
    step: str,
) -> None:
    dialect = Dialect("Dockerfile", OLD, {"db": Base("/", ["/var/lib/db"])}, {})
    dialect.adapted(f"FROM db\n{step}\n".encode())
    lost = ["Dockerfile: what a RUN step writes below /var/lib/db is not kept, because db declares it a VOLUME. "
            "Write it elsewhere, or when the container starts"]  # fmt: skip
    assert dialect.notes == (lost if step == "RUN make" else [])
    assert dialect.warnings == (lost if step.startswith("RUN touch") else [])


def test_a_step_is_found_again_by_what_buildah_was_given() -> None:
    dialect = Dialect("Dockerfile", OLD, {}, {})
    given = dialect.adapted(b"FROM base\n\n# why\nRUN <<EOF\nmake it\nEOF\nRUN a \\\n  && b\n").decode()
    script = dialect.steps[nameless(given.splitlines()[3])]
    assert (script.where, script.shown, script.rewritten) == ("Dockerfile:4", "RUN <<EOF", True)
    assert dialect.steps[nameless("RUN a && b")] == Step("Dockerfile:7", "RUN a   && b")
    dialect.adapted(b"FROM base\nRUN a\nFROM base\nRUN a\n")
    assert dialect.steps[nameless("RUN a")].where == "Dockerfile", "it may be either"


def test_heredocs_are_left_to_a_buildah_that_knows_them() -> None:
    text = "FROM base\nCOPY <<EOF /x\nRUN --network=host\nEOF\nRUN <<'X'\nFROM nothing\nX\nCOPY --link a b\n"
    assert adapted(text, NEW) == text.replace(" --link", "")


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("COPY <<-\"EOF\" /x\n\techo x\n\tEOF", r"Dockerfile:3: COPY: buildah 1\.28 of this host knows heredocs.* in RUN only.*1\.33"),
        ("COPY --chmod=go-w a b", r"Dockerfile:3: COPY --chmod=go-w: the mode must be a number here\. Write it like --chmod=755"),
        ("COPY --from=x --chmod=+x a b", r"Dockerfile:3: COPY --chmod=\+x: the mode must be a number here"),
        ('VOLUME ["/data", "/proc/x"]', r"Dockerfile:3: VOLUME: /proc/x is in /proc, which belongs to the kernel"),
        ("RNU make", r"Dockerfile:3: RNU: there is no such instruction\. Write RUN$"),
        ("&& make", r"Dockerfile:3: &&: there is no such instruction\. Does the line above end without a backslash"),
        ("RUN --network=host make", r"Dockerfile:3: RUN --network=host: a build is kept away"),
        ("RUN --security=insecure make", r"Dockerfile:3: RUN --security=insecure: .* Remove the option"),
        ("COPY --parents a b", r"Dockerfile:3: COPY --parents: buildah 1\.28 of this host does not know it"),
        ("RUN --mount=type=secret,id=t,required=true x", r"Dockerfile:3: RUN --mount=.*the recipe gives this build no t"),
        ("FROM --platform=linux/s390x base", r"Dockerfile:3: FROM --platform=linux/s390x: this host builds for"),
    ],
)  # fmt: skip
def test_refused_with_line_and_fix(instruction: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        adapted(f"FROM base\n\n{instruction}\n")


PIECES = st.sampled_from([
    "FROM base", "FROM base AS a", "FROM a", "from a as b", "VOLUME /v", 'VOLUME ["/w"]', "VOLUME $V", "RUN x", "RUN <<EOF", "RUN <<-EOF y",
    "COPY <<EOF /x", "EOF", "\tEOF", "EOF ", "#!/bin/sh -e", "# comment", "", "x \\", "COPY --chmod=+x a b", "ADD --chmod=$M a b",
    "WORKDIR w", "RUN --mount=target=. <<'EOF'", "ARG V=1", "\\", "RUN",
])  # fmt: skip


def test_everything_that_is_refused_is_told_at_once() -> None:
    text = "FROM base\nRUN --network=host a\nCOYP a /a\nRUN b\nRUN --security=insecure c\n"
    with pytest.raises(BuildError) as refused:
        adapted(text)
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == [
        "Dockerfile:2",
        "Dockerfile:3",
        "Dockerfile:5",
    ]


@example(["RUN --mount=target=. <<'EOF'", "EOF"], NEW, None)  # what a base is known to have counts in both
@given(
    st.lists(PIECES, max_size=25), st.sampled_from([OLD, NEW]), st.sampled_from([None, "a", "0", "nothing"])
)
def test_any_dockerfile_is_adapted_or_refused_and_what_was_adapted_is_known(
    pieces: list[str], version: tuple[int, int], target: str | None
) -> None:
    raw = "\n".join(["FROM base", *pieces]).encode()
    try:
        once = Dialect("Dockerfile", version, {"base": Base("/app", ["/v"])}, {}, target).adapted(raw)
    except (BuildError, RecipeError):
        return
    again = Dialect("Dockerfile", version, {"base": Base("/app", [])}, {}, target).adapted(once)
    assert again.split() == once.split(), "but for empty lines"


@pytest.mark.docker
@both_in_campaigns
async def test_buildkits_everyday_options_are_built(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
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
@both_in_campaigns
async def test_buildkits_ways_with_scripts_modes_and_volumes(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"""FROM {base}
VOLUME /data
RUN <<EOF
#!/bin/cat
given to its interpreter: it's "so" \\n
EOF
RUN busybox mkdir -p /data && echo seeded > /data/seed
COPY --chmod=+x text /data/tool
CMD cat /data/seed; ls -l /data/tool
"""
    request = request_for("ways", {"text": "x"}, dockerfile_inline=recipe)
    await builder.build(request, log)
    assert 'given to its interpreter: it\'s "so" \\n' in log
    seeded, tool = (await docker("run", "--rm", "--network", "none", request.tag)).splitlines()
    assert (seeded, tool[:10]) == ("seeded", "-rwxr-xr-x")
    declared = await docker("image", "inspect", "-f", "{{json .Config.Volumes}}", request.tag)
    assert json.loads(declared) == {"/data": {}}
    assert any(line.endswith("RUN <<EOF") for line in log) and "printf" not in log.text
    request = request_for("ways", {}, dockerfile_inline=f"FROM {base}\nRUN <<EOF\nset -e\nfalse\nEOF\n")
    with pytest.raises(BuildError, match=r"^web: dockerfile_inline:2: `RUN <<EOF` failed: exit status 1\. "):
        await builder.build(request, log)


@pytest.mark.docker
@both_in_campaigns
async def test_the_bases_healthcheck_is_kept(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nHEALTHCHECK --interval=7s CMD test -e /bin\n"
    checked = request_for("checked", {"Dockerfile": recipe})
    await builder.build(checked, log)
    await docker("tag", checked.tag, f"{checked.tag}-base")
    child = request_for("child", {"Dockerfile": f"FROM {checked.tag}-base AS x\nFROM x\nRUN true\n"})
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
