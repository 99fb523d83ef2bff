"""Which Python policies run with: read from the image, said where it is older than promised, and a part of what is remembered."""

from pathlib import Path

import pytest

from seatrial.agent.builds.python_alone import RECIPE, TAG, PythonAlone
from seatrial.agent.builds.standins import RECIPE_LABEL, VERSION_LABEL
from seatrial.agent.engine.images import Image
from seatrial.agent.sandboxes.image import BASE, outdated, python_of
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.logs import quiet


class Kept:
    """An engine's images: the stand-in, of this recipe or of another one."""

    def __init__(self, recipe: str | None) -> None:
        self.images = self
        self.recipe = recipe

    async def get(self, _: str) -> Image | None:
        return None if self.recipe is None else Image("sha256:1", (), {"Labels": {RECIPE_LABEL: self.recipe}})


class Older:
    """The stand-ins of the host's own release."""

    async def ensure(self, image: str, why: str, log: object) -> str:
        return f"older for {image}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"Env": ["PATH=/usr/bin", "PYTHON_VERSION=3.13.5"], "Labels": {VERSION_LABEL: "3.11.2"}}, "3.13.5"),
        ({"Env": None, "Labels": {VERSION_LABEL: "3.11.2"}}, "3.11.2"),
        ({}, ""),
    ],
)
def test_an_image_says_which_python_it_has(config: dict[str, object], said: str) -> None:
    assert python_of(Image("sha256:1", (), config)) == said


@pytest.mark.parametrize(
    ("python", "warned"), [("3.13.0", ""), ("3.14.1", ""), ("3.9.2", "3.9.2"), ("", "unknown"), ("x", "x")]
)
def test_an_older_one_is_a_warning_with_the_fix(python: str, warned: str) -> None:
    warnings = outdated(python)
    assert bool(warnings) == bool(warned)
    assert all(warned in one and f"docker pull {BASE}" in one for one in warnings)


async def test_the_stand_in_is_made_once_and_again_for_another_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def make(alone: PythonAlone) -> None:
        made.append(alone.engine.recipe)

    monkeypatch.setattr(PythonAlone, "_make", make)
    for recipe in (RECIPE, None, "another"):
        assert await PythonAlone(Kept(recipe), tmp_path, Older()).ensure(BASE, "no answer", quiet) == TAG
    assert made == [None, "another"]


async def test_where_it_cannot_be_made_the_hosts_own_release_serves_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def log(line: str) -> None:
        said.append(line)

    async def make(_: PythonAlone) -> None:
        raise ImageUnavailable("this mirror has no Debian 13")

    monkeypatch.setattr(PythonAlone, "_make", make)
    assert await PythonAlone(Kept(None), tmp_path, Older()).ensure(BASE, "x", log) == f"older for {BASE}"
    assert said[-1] == f"{TAG} could not be made: this mirror has no Debian 13"
