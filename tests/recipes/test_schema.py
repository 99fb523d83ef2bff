"""The published schema of galley.yml says what the reader says, as far as a schema can."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seatrial.agent.recipes import galley
from seatrial.agent.recipes.document import parse
from seatrial.agent.recipes.galley_schema import galley_schema
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import RecipeError
from tests.examples import examples
from tests.recipes import test_broken, test_good

SCHEMA = jsonschema.Draft7Validator(galley_schema())
SERVED = Path(__file__).resolve().parents[2] / "seatrial/control/previews/static/galley.schema.json"
# What no schema says: these need the other services, the commit's files, or what words mean.
BEYOND = ("depends_on", "not an image's name", "outside", "split", "NUL", "duration", "size", "CPUs", "needs")


def problem(text: str) -> str:
    """What the reader says about a file; empty if nothing."""
    try:
        galley.read(parse("galley.yml", text.encode()), Resources())
    except RecipeError as error:
        return str(error)
    return ""


def test_what_is_served_is_what_is_read() -> None:
    assert json.loads(SERVED.read_text()) == galley_schema(), "run `make docs`"
    jsonschema.Draft7Validator.check_schema(galley_schema())


def test_every_key_has_words_for_an_editor() -> None:
    for name, definition in galley_schema()["definitions"].items():
        for key, one in definition.get("properties", {}).items():
            assert one.get("description"), f"{name}.{key}"


@pytest.mark.parametrize("text", [test_good.GALLEY, *(text for text, _ in test_broken.GALLEY)])
def test_the_examples_of_the_reader(text: str) -> None:
    try:
        data = YAML(typ="safe").load(text)
    except (YAMLError, ValueError):
        return
    said = problem(text)
    if SCHEMA.is_valid(data):
        assert not said or any(word in said for word in BEYOND), said
    else:
        assert said


KEYS = st.sampled_from([*galley.ServiceKeys.model_fields, "command", "ports"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70_000),
    st.sampled_from(["", ".", "web", "always", "no", "1m", "512m"]),
)
VALUES = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=2),
    st.dictionaries(
        st.sampled_from([*galley.BuildKeys.model_fields, *galley.HealthKeys.model_fields, "cpus"]),
        PLAIN,
        max_size=2,
    ),
)


@settings(max_examples=examples(50))
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_it_allows_is_read(service: dict[str, Any]) -> None:
    data = {"version": 1, "services": {"web": {"image": "shop:1", **service}}}
    if SCHEMA.is_valid(data):
        said = problem(json.dumps(data))
        assert not said or any(word in said for word in BEYOND), said
