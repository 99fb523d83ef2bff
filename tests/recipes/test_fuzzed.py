"""Whatever a file says, it is a recipe or an error with file and line; never another exception."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.agent.recipes.compose.limits import KNOWN
from seatrial.agent.recipes.compose.schema import schema
from seatrial.agent.recipes.galley import BuildKeys, HealthKeys, ResourceKeys, ServiceKeys
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import RecipeError
from tests.examples import examples
from tests.recipes.files import Files

WORDS = [
    "", "x", ".", "..", "/", "./a", "data", "data:/x", "./a:/b:ro", "/a", "80", "8080:80", "1-2/udp", "A=1", "A", "=",
    "$", "${", "${A", "${A:-b}", "$$", "no", "on-failure", "CMD", "NONE", "postgres", "web", "1g", "30s", "9" * 400,
    "service_healthy", "host", "container:x", "it's", "%(x)s", "\x00", "\u2028", "http://x", ":", "::", "a:b:c:d", "{}",
]  # fmt: skip
SCALARS = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(-(10**350), 10**350), st.floats(), st.text(max_size=4)
)  # fmt: skip
INNER = sorted({
    "condition", "test", "interval", "retries", "disable", "type", "source", "target", "context", "dockerfile", "args",
    "path", "required", "resources", "limits", "memory", "cpus", "aliases", "default", "published", "read_only", "web",
    *BuildKeys.model_fields, *HealthKeys.model_fields, *ResourceKeys.model_fields,
})  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


def services(keys: list[str]) -> st.SearchStrategy[Any]:
    """Mostly services whose keys are right, so that the values are read."""
    service = st.dictionaries(st.sampled_from(keys), VALUES, max_size=3).map(
        lambda described: {"image": "x", **described}
    )
    return st.dictionaries(st.sampled_from(["web", "db"]), service | VALUES, min_size=1, max_size=2)


COMPOSE = st.fixed_dictionaries(
    {"services": services(sorted(KNOWN)) | VALUES},
    optional={"volumes": VALUES, "networks": VALUES, "version": VALUES, "include": VALUES},
)
GALLEY = st.fixed_dictionaries(
    {"services": services(sorted(ServiceKeys.model_fields)) | VALUES, "version": st.just(1) | VALUES}
)


def read(name: str, text: str) -> None:
    files = Files(**{name: text, "Dockerfile": "FROM x\n", ".env": "A=${B}\nC='x'\n"})
    try:
        asyncio.run(read_recipe(files, {"A": "x"}))
    except RecipeError as error:
        assert str(error).startswith((f"{name}:", "Dockerfile:", ".env:"))


FUZZED = settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])


FEWER = settings(FUZZED, max_examples=examples(8))  # each starts Compose


@pytest.mark.slow
@FEWER
@given(COMPOSE)
def test_any_compose_file(data: dict[str, Any]) -> None:
    read("compose.yaml", json.dumps(data))


@FUZZED
@given(GALLEY)
def test_any_galley_yml(data: dict[str, Any]) -> None:
    read("galley.yml", json.dumps(data))


@FUZZED
@given(st.text(max_size=80))
def test_any_text_as_galley_yml(text: str) -> None:
    read("galley.yml", text)


@pytest.mark.slow
@FEWER
@given(st.text(max_size=80))
def test_any_text_as_a_compose_file(text: str) -> None:
    read("compose.yaml", text)


def test_every_key_of_the_specification_is_read_ignored_or_refused() -> None:
    spec = schema()["$defs"]
    keys = {
        key for part in ("service", "container_spec", "workload_spec") for key in spec[part]["properties"]
    }
    assert keys <= KNOWN
