"""Images that a Dockerfile names by their digest."""

import pytest

from seatrial.agent.builds.bases import Base
from seatrial.agent.builds.dialect import Dialect
from seatrial.agent.builds.inputs import brought_along

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (f"FROM python:3@{DIGEST}", "FROM localhost/python:{}"),
        (f"FROM --platform=$BUILDPLATFORM python:3@{DIGEST} AS web", "FROM --platform=$BUILDPLATFORM localhost/python:{} AS web"),
        ("FROM ${BASE}", "FROM localhost/python:{}"),
        (f"COPY --from=python:3@{DIGEST} /a /b", "COPY --from=localhost/python:{} /a /b"),
        (f"RUN --mount=from=python:3@{DIGEST},target=/b ls", "RUN --mount=from=localhost/python:{},target=/b ls"),
    ],
)  # fmt: skip
def test_a_digest_is_found_under_the_name_that_it_has_here(instruction: str, expected: str) -> None:
    name = f"python:3@{DIGEST}"
    bases = {name: brought_along(Base(name, "sha256:1", {}, ()), name)}
    before = "" if instruction.startswith("FROM") else f"FROM {name} AS x\n"
    dialect = Dialect("Dockerfile", (1, 28), bases, {"BASE": name})
    said = dialect.adapted(f"ARG BASE\n{before}{instruction}\n".encode()).decode()
    assert expected.format(DIGEST[7:]) in said.splitlines()
