"""Further contexts of builds, as recipes name them: paths, images and siblings; all else is refused with its place."""

import pytest

from seatrial.agent.environments.launch import build_digest
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Build, Contexts
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.tree import Entry
from tests.recipes.files import Files

GALLEY = """
version: 1
services:
  web:
    build: {path: app, additional_contexts: %s}
  other:
    build: other
  cache:
    image: redis:7
"""
COMPOSE = """
services:
  web:
    build:
      context: app
      additional_contexts: %s
  other: {build: other}
  cache: {image: "redis:7"}
"""
BOTH = pytest.mark.parametrize(("name", "text"), [("galley.yml", GALLEY), ("compose.yaml", COMPOSE)])


async def contexts_of(name: str, text: str, given: str) -> Contexts:
    files = {name: text % given, "app/Dockerfile": "FROM x", "other/Dockerfile": "FROM x", "shared/a": "a"}
    build = (await read_recipe(Files(**files))).services["web"].build
    assert build is not None
    return build.contexts


@BOTH
async def test_paths_images_and_siblings(name: str, text: str) -> None:
    given = "{one: ./shared, two: 'docker-image://python:3.12', x/y: 'service:other', three: 'service:cache'}"
    assert await contexts_of(name, text, given) == Contexts(
        {"one": "shared"}, {"two": "python:3.12"}, {"x/y": "other", "three": "cache"}
    )


@BOTH
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "{x: https://example.com/a.tar}",
            "x: refused: a build here reads nothing but this repository and images",
        ),
        ("{x: 'git@example.com:a/b.git'}", "x: refused: a build here reads nothing but"),
        ("{x: 'oci-layout:///srv/x'}", "x: refused: a build here reads nothing but"),
        ("{x: ../../up}", "x: .* is outside the repository"),
        ("{x: /etc}", "x: .* is outside the repository"),
        ("{x: 'docker-image://A B'}", "x: 'A B' is not an image's name"),
        ("{x: 'service:othr'}", "x: there is no service othr. Did you mean other"),
        ("{x: 'service:web'}", "web -> web is a cycle: none of them can be built first"),
        ("{X: shared}", "X: 'X' is not the name of a context"),
        ("{scratch: shared}", "scratch: 'scratch' is not the name of a context"),
    ],
)
async def test_what_is_neither_is_refused_with_its_place(name: str, text: str, given: str, said: str) -> None:
    line = 4 if name == "galley.yml" else 5
    with pytest.raises(RecipeError, match=rf"^{name}:{line}: services.web.build.additional_contexts.*{said}"):
        await contexts_of(name, text, given)


def test_an_image_is_made_anew_when_a_context_changes() -> None:
    def digest(oid: str = "1", image: str = "x", sibling: str = "y") -> str:
        contexts = Contexts({"a": "shared"}, {"b": image}, {"c": "other"})
        entries = [Entry("shared/a", "100644", oid, 1), Entry("apart/a", "100644", "9", 1)]
        return build_digest(Build(path="app", contexts=contexts), entries, {"other": sibling})

    seen = {digest(), digest(oid="2"), digest(image="z"), digest(sibling="z")}
    assert len(seen) == 4
