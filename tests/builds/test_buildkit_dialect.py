"""What BuildKit is given: no name that it would fetch, steps that no other project shares, lines with their numbers."""

from typing import Any

import pytest

from seatrial.agent.builds import trust
from seatrial.agent.builds.buildkit.dialect import BuildKitDialect, secret
from seatrial.agent.builds.dialect import Base
from seatrial.agent.vocabulary.errors import AgentError, BuildError

OWN = f"--mount=type=secret,id={secret('scope')},target={trust.INSIDE},mode=0444"
NAMES = {"python:3": "seatrial/stand-in-python:bookworm", "b": "b:latest"}
BASES = {name: Base() for name in NAMES}


def dialect(**more: Any) -> BuildKitDialect:
    given = {"names": NAMES, "scope": "scope", "bases": BASES} | more
    arguments, target = given.pop("arguments", {}), given.pop("target", None)
    return BuildKitDialect("Dockerfile", (0, 0), given.pop("bases"), arguments, target, **given)


def adapted(text: str, **more: Any) -> str:
    return dialect(**more).adapted(text.encode()).decode()


def test_each_instruction_is_on_a_line_of_its_own_with_its_number() -> None:
    text = "# note\nFROM \\\n  python:3 AS made\n\nRUN one \\\n  # why\n && two\nCOPY --chown=1 a \\\n b /\n"
    assert adapted(text) == (
        f"#\nFROM seatrial/stand-in-python:bookworm AS made\n\n\nRUN {OWN} one  && two\n\n\nCOPY --chown=1 a  b /\n\n"
    )


def test_images_are_found_by_the_names_that_were_prepared() -> None:
    text = "FROM python:3 AS made\nCOPY --from=b /x /\nRUN --mount=type=bind,from=b,target=/b ls\nFROM made\nCOPY --from=made /y /\nCOPY --from=0 /y /\n"
    lines = adapted(text).splitlines()
    assert lines[1] == "COPY --from=b:latest /x /"
    assert lines[2] == f"RUN {OWN} --mount=type=bind,from=b:latest,target=/b ls"
    assert lines[3:] == ["FROM made", "COPY --from=made /y /", "COPY --from=0 /y /"]


@pytest.mark.parametrize(
    "line",
    [
        "COPY --from=evil.test/x /a /",
        "COPY --fr\\om=evil.test/x /a /",
        'COPY --from="evil.test/x" /a /',
        "COPY --from=$X /a /",
        "COPY --from=1 /a /",
        "COPY --from=00 /a /",
        "RUN --mount=type=bind,from=evil.test/x,target=/m ls",
        "RUN --mount=type=bind,FROM=evil.test/x,target=/m ls",
        "RUN --mount=type=bind,from=0,target=/m ls",
        'RUN --mount=type=bind,\\"from=evil.test/x\\",target=/m ls',
        "RUN --mo\\unt=type=bind,from=evil.test/x,target=/m ls",
        "ONBUILD COPY --from=evil.test/x /a /",
        "ADD http://169.254.169.254/ /x",
        'ADD ["HTTPS://evil.test/x", "/x"]',
        'ADD "http://evil.test/x" /x',
        "ADD git@evil.test:x /x",
        "ADD $X /x",
        "ADD ht${X} /x",
        "ADD a b github.com/x/y /x",
        "ONBUILD ADD http://evil.test /x",
        "RUN --mount=type=secret,id=x,required=true ls",
        "RUN --network=host ls",
        "RUN --security=insecure ls",
        "RUN --mount=type=tmpfs,target=/dev ls",
        "VOLUME /proc",
        "COPYY a b",
    ],
)  # fmt: skip
def test_what_would_be_fetched_or_reach_the_host_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(BuildError, match=r"^Dockerfile:3: "):
        adapted(f"FROM python:3\nARG X\n{line}\n")


@pytest.mark.parametrize("base", ["evil.test/x:1", "0", "Made", "python:4"])
def test_a_base_that_was_not_prepared_is_refused(base: str) -> None:
    with pytest.raises(AgentError, match=r"Dockerfile:2"):
        adapted(f"FROM python:3\nFROM {base}\n")


@pytest.mark.parametrize(
    "line", ["ADD ./$X /x", "ADD app-$X.tar /x", "ADD a.git.tar /x", 'ADD ["a b", "/x"]']
)
def test_files_of_the_repository_are_added(line: str) -> None:
    assert adapted(f"FROM python:3\nARG X\n{line}\n").splitlines()[2] == line


def test_behind_a_fence_add_may_fetch() -> None:
    assert adapted("FROM python:3\nADD https://a.test/x /x\n", fetches=True).endswith(
        "ADD https://a.test/x /x\n"
    )


@pytest.mark.parametrize("first", ["# syntax=evil.test/frontend", "#syntax = evil.test/x", "# SYNTAX=x"])
def test_no_directive_chooses_what_reads_the_file(first: str) -> None:
    assert adapted(f"{first}\n# escape=`\nFROM python:3\nRUN a `\n b\n").splitlines() == [
        "#", "# escape=`", "FROM seatrial/stand-in-python:bookworm", f"RUN {OWN} a  b", "",
    ]  # fmt: skip


@pytest.mark.parametrize("first", ['{"syntax": "evil.test/x"}', "//syntax=evil.test/x"])
def test_nor_does_another_way_of_naming_it(first: str) -> None:
    with pytest.raises(AgentError):
        adapted(f"{first}\nFROM python:3\n")


def test_a_script_in_a_run_is_wrapped_and_one_elsewhere_named_with_who_knows_it() -> None:
    text = "FROM python:3\nRUN <<EOF\nADD http://evil.test /x\nEOF\nRUN after\n"
    lines = adapted(text).splitlines()
    assert lines[1].startswith(f'RUN {OWN} eval "$(printf') and lines[2:] == ["", "", f"RUN {OWN} after"]
    with pytest.raises(
        BuildError,
        match=r"Dockerfile:2: COPY: the engine's .*since Docker Engine 23.0 and BuildKit 0.10.*Commit the file",
    ):
        adapted("FROM python:3\nCOPY <<EOF /x\nhi\nEOF\n", called="the engine's BuildKit")
    assert adapted("FROM python:3\nCOPY <<EOF /x\nhi\nEOF\n", old=False).endswith("COPY <<EOF /x\nhi\nEOF\n")
    with pytest.raises(BuildError, match="quotes"):
        adapted('FROM python:3\nCOPY " <<EOF " /x\nADD http://evil.test /x\nEOF\n', old=False)


def test_only_the_stages_that_are_wanted_are_given() -> None:
    text = "FROM python:3 AS a\nRUN x\nFROM nowhere.test/x AS b\nRUN y\n"
    assert "nowhere" not in adapted(text, target="a")


def test_a_base_whose_steps_would_be_shared_is_refused() -> None:
    with pytest.raises(BuildError, match=r"Dockerfile:1: FROM python:3: it declares ONBUILD"):
        adapted("FROM python:3\n", bases={"python:3": Base(on_build=["RUN pip install x"])})


def test_the_authoritys_variables_are_known_to_steps_of_every_stage() -> None:
    lines = adapted("FROM python:3 AS a\nFROM scratch\n", certificates=True).splitlines()
    assert [line for line in lines if line.startswith("ARG ")] == [
        f"ARG {name}" for name in trust.VARIABLES
    ] * 2
