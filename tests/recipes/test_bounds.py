"""A recipe cannot exhaust its host."""

import pytest

from seatrial.agent.recipes.bounds import bounded, within
from seatrial.agent.recipes.document import parse
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Recipe
from seatrial.agent.recipes.visitors import with_warning
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import RecipeError
from tests.recipes.files import Files

MOST = Resources(cpus=2, memory_mb=1024)


async def test_more_than_the_agent_gives_is_lowered_and_said() -> None:
    files = Files(
        **{
            "galley.yml": "version: 1\nservices:\n  web: {image: x, resources: {cpus: 64, memory: 1t}}\n  api: {image: x}\n"
        }
    )
    recipe = bounded(await read_recipe(files), MOST)
    assert recipe.services["web"].resources == Resources(2, 1024, Resources().pids)
    assert recipe.services["api"].resources is None
    assert "services.web: 64 CPUs and 1048576 MB are lowered to 2 and 1024 MB" in recipe.warnings[-1]


async def many(count: int, asked: str) -> Recipe:
    services = "".join(f"  s{n}: {{image: x{asked}}}\n" for n in range(count))
    return await read_recipe(Files(**{"galley.yml": f"version: 1\nservices:\n{services}"}))


TOTAL = Resources(cpus=40, memory_mb=20_480)


async def test_services_that_together_take_the_host_are_refused_with_the_largest_and_the_limit() -> None:
    greedy = bounded(await many(40, ", resources: {cpus: 64, memory: 900g}"), Resources(4, 4096))
    with pytest.raises(RecipeError) as raised:
        within(greedy, TOTAL, Resources())
    assert str(raised.value) == (
        "galley.yml:1: services: together they ask for 163840 MB of memory, and a preview gets at most 20480 from this agent: "
        "s0 4096, s1 4096, s2 4096, s3 4096, s4 4096 and 35 more. Lower what they ask for, or leave services out."
    )
    with pytest.raises(RecipeError, match=r"together they ask for 44 CPUs, .* at most 40 .*: s0 4,"):
        within(await many(11, ", resources: {cpus: 4, memory: 64m}"), TOTAL, Resources())


async def test_as_many_services_as_there_may_be_fit_with_the_usual_limits() -> None:
    recipe = await many(40, "")
    assert within(recipe, TOTAL, Resources()) is recipe
    with pytest.raises(RecipeError, match="ask for 40960 MB"):
        within(recipe, TOTAL, Resources(memory_mb=1024))


@pytest.mark.parametrize(
    ("file", "text", "fix"),
    [
        ("galley.yml", "version: 1\nservices: {a: {image: x}, b: {image: postgres}}", "set kind: web"),
        (
            "compose.yaml",
            "services: {a: {image: x}, b: {image: y}}",
            "add ports: to it, or x-galley-kind: web",
        ),
    ],
)
async def test_a_preview_without_an_address_is_warned_of(file: str, text: str, fix: str) -> None:
    recipe = with_warning(await read_recipe(Files(**{file: text})))
    assert recipe.warnings[-1] == (
        f"{file}: this preview has no address, as no service is for visitors. If one is, {fix}"
    )


async def test_a_preview_with_an_address_is_not() -> None:
    recipe = await many(1, ", kind: api")
    assert with_warning(recipe) is recipe


CHAIN = "".join(f"  s{n}: {{image: x, build: no/such, depends_on: [s{n + 1}]}}\n" for n in range(2000))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["galley.yml", "compose.yaml"])
async def test_thousands_of_services_are_too_many_before_anything_is_read_for_them(file: str) -> None:
    head = "version: 1\n" if file == "galley.yml" else ""
    with pytest.raises(
        RecipeError, match=r"\d: services: 2001 services; a preview has at most 40. Leave out"
    ):
        await read_recipe(Files(**{file: f"{head}services:\n{CHAIN}  s2000: {{image: x}}\n"}))


SLOW = {
    "compose.yaml": (
        f"services: {{web: {{image: x, ports: [{'{}, ' * 5000}]}}}}",
        "compose.yaml:1: a list of 5,000 entries",
    ),
}


@pytest.mark.parametrize("file", SLOW)
async def test_what_takes_a_parser_minutes_is_refused(file: str) -> None:
    text, message = SLOW[file]
    with pytest.raises(RecipeError, match=message):
        await read_recipe(Files(**{"compose.yaml": "services: {web: {image: x}}", file: text}))


BOMBS = {
    "aliases": "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 100)),
    "merges": f"a0: &a0 {{{', '.join(f'k{n}: 1' for n in range(1000))}}}\n"
    + "".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n  n{n}: 1\n" for n in range(1, 50)),
    "itself": "a: &a [*a]\nb: [*a]\n",
    "depth": "a: " + "[" * 5000,
    "digits": "a: " + "9" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
async def test_a_bomb_ends_in_a_message(bomb: str) -> None:
    with pytest.raises(RecipeError, match=r"galley\.yml:\d+: "):
        await read_recipe(Files(**{"galley.yml": bomb}))


async def test_a_file_of_50_mb_is_not_read() -> None:
    with pytest.raises(RecipeError, match="not a file of at most 256 KB"):
        await read_recipe(Files(**{"galley.yml": "#" * 50_000_000}))


def test_tags_make_no_objects() -> None:
    document = parse(
        "galley.yml", b'a: !!python/object/apply:os.system ["touch /nowhere"]\nb: !include /etc/passwd\n'
    )
    assert "root:" not in str(document.data)


async def test_a_complaint_may_hold_anything_and_ends_soon() -> None:
    hostile = "open /x " * 20_000
    with pytest.raises(RecipeError, match=r"^compose.yaml:1: "):
        await read_recipe(Files(**{"compose.yaml": f"services: {{web: {{image: '${{A:?{hostile}}}'}}}}"}))


async def test_thousands_of_variables_without_a_value_are_a_few_warnings() -> None:
    text = "".join(f" $V{n}" for n in range(3000))
    recipe = await read_recipe(
        Files(**{"compose.yaml": f"services: {{web: {{image: x, command: '{text}'}}}}"})
    )
    assert recipe.warnings[-1] == "compose.yaml: and 2950 more warnings from Compose"
