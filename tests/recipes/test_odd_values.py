"""Values that no engine takes are refused where they stand; what is left out of them although it matters is said."""

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import RecipeError
from tests.recipes.files import Files

WEB = "services:\n  web:\n    image: x\n"

REFUSED = {
    '    environment: {A: "a\\0b"}\n': "services.web.environment.A: holds a NUL character. Remove it.",
    '    command: [x, "a\\0b"]\n': "services.web.command.1: holds a NUL character",
    '    volumes: [{type: volume, source: data, target: "/x\\0y"}]\nvolumes: {data: }\n': "holds a NUL character",
    f"    hostname: {'a' * 64}\n": "services.web.hostname: longer than 63 characters. Shorten it.",
    "    stop_signal: SIGFOO\n": "services.web.stop_signal: 'SIGFOO' is not a signal. Write it like SIGTERM or 15.",
    "    stop_signal: '99'\n": "'99' is not a signal",
    "    volumes: ['d:/a']\nvolumes: {d: }\n": "services.web.volumes.0: Compose takes 'd:/a' for a path of Windows. Give the volume a",
    f"    volumes: ['{'v' * 129}:/a']\nvolumes: {{{'v' * 129}: }}\n": "the volume's name is longer than 128 characters",
    "    volumes: ['data:/a']\n    tmpfs: [/a/]\nvolumes: {data: }\n": "services.web.volumes: two are mounted at /a. Remove one",
    "    environment: {'': x}\n": "services.web.environment.: unknown key. Correct its name.",
    "include: [docker.io/library/x]\n": "include.0: there is no file docker.io/library/x in this commit",
}


@pytest.mark.parametrize(("keys", "message"), REFUSED.items())
async def test_refused_with_its_line(keys: str, message: str) -> None:
    with pytest.raises(RecipeError) as failed:
        await read_recipe(Files(**{"compose.yaml": f"{WEB}{keys}"}))
    assert str(failed.value).startswith("compose.yaml:4: ")
    assert message in str(failed.value)


async def test_a_text_with_a_nul_character_in_a_galley_yml() -> None:
    text = 'version: 1\nservices:\n  web:\n    image: x\n    env: {A: "a\\0b"}\n'
    with pytest.raises(
        RecipeError, match=r"^galley.yml:5: services.web.env.A: holds a NUL character. Remove it.$"
    ):
        await read_recipe(Files(**{"galley.yml": text}))


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ("    volumes: [{type: volume, source: data, target: /a, volume: {subpath: b}}]\nvolumes: {data: }\n",
         "services.web.volumes.0: the whole volume is mounted, not only b"),
        ("    volumes: ['data:/a']\nvolumes: {data: {driver: sshfs}}\n",
         "volumes.data.driver: ignored: sshfs; the volume is the engine's own, and begins empty"),
        ("    pid: service:db\n  db: {image: y}\n", "services.web.pid: ignored: service:db; every container has its own processes"),
    ],
)  # fmt: skip
async def test_left_out_with_a_warning(keys: str, warning: str) -> None:
    recipe = await read_recipe(Files(**{"compose.yaml": f"{WEB}{keys}"}))
    assert any(told.endswith(warning) for told in recipe.warnings), recipe.warnings


@pytest.mark.parametrize("signal", ["SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-1"])
async def test_signals_that_the_engine_knows(signal: str) -> None:
    recipe = await read_recipe(Files(**{"compose.yaml": f"{WEB}    stop_signal: '{signal}'\n"}))
    assert recipe.services["web"].options.stop_signal == signal
