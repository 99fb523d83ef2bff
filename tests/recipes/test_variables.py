"""`${NAME}`, from the file to the container: values that compose would use, and values that only the platform knows."""

import os

import pytest

from seatrial.agent.environments.interpolation import interpolated
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.vocabulary.errors import RecipeError
from tests.recipes.files import Files

PLATFORM = {"GALLEY_COMMIT": "abc", "GALLEY_PREVIEW_URL_web": "http://web.test"}
COMPOSE = """
services:
  web:
    build: {{context: ., args: {{{args}}}}}
    ports: [80]
    env_file: [{env_file}]
    environment: {{{environment}}}
"""


async def started(
    environment: str = "",
    args: str = "",
    env_file: str = "",
    project: dict[str, str] | None = None,
    **files: str,
) -> Service:
    text = COMPOSE.format(environment=environment, args=args, env_file=env_file)
    recipe = await read_recipe(
        Files(**{"compose.yaml": text, "Dockerfile": "FROM x", **files}), project or {}
    )
    return interpolated(recipe, {**(project or {}), **PLATFORM}).services["web"]


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("${GALLEY_PREVIEW_URL_web:-http://localhost}/x", "http://web.test/x"),
        ("${GALLEY_COMMIT:-dev}", "abc"),
        ("${GALLEY_COMMIT-dev}", "abc"),
        ("${GALLEY_COMMIT:+set}", "set"),
        ("${GALLEY_PREVIEW_URL_db:-http://${HOST}:$$1}", "http://h:$1"),
        ("${GALLEY_PREVIEW_URL_db:-${GALLEY_COMMIT:-dev}}", "abc"),
        ("${OTHER:-${GALLEY_COMMIT:-dev}}", "abc"),
        ("${HOST}-$HOST-$$HOST", "h-h-$HOST"),
        ("${DOLLAR}", "a$b$$c${d}"),
        ("${OTHER:-a$$b}", "a$b"),
        ("${EMPTY:-x}${EMPTY-y}", "x"),
        ("cost: 5$", "cost: 5$"),
    ],
)
async def test_values(written: str, seen: str) -> None:
    project = {"HOST": "h", "DOLLAR": "a$b$$c${d}", "EMPTY": ""}
    service = await started(f"A: '{written}'", f"B: '{written}'", project=project)
    assert service.environment["A"] == seen
    assert service.build and service.build.args["B"] == seen


async def test_bare_names() -> None:
    service = await started("GALLEY_COMMIT: , A: ", "GALLEY_COMMIT: , A: ", project={"A": "$x"})
    assert service.environment == {"GALLEY_COMMIT": "abc", "A": "$x"}
    assert service.build and service.build.args == {"GALLEY_COMMIT": "abc", "A": "$x"}


async def test_galley_yml_gives_the_platforms_names_to_builds_too() -> None:
    text = "version: 1\nservices: {web: {build: {path: ., args: {URL: '${GALLEY_PREVIEW_URL_web}', C: '${X:-$$y}'}}}}"
    recipe = interpolated(await read_recipe(Files(**{"galley.yml": text, "Dockerfile": "FROM x"})), PLATFORM)
    build = recipe.services["web"].build
    assert build and build.args == {"URL": "http://web.test", "C": "$y"}


async def test_a_variable_without_a_value_is_empty_and_warned_of() -> None:
    files = Files(
        **{
            "compose.yaml": """
            services:
              web:
                image: x
                ports: ['${WEB_PORT}:8000']
                command: [serve, '--dsn=${DSN}', '${DSN}']
                environment: [BARE, 'URL=http://x/${SUBPATH}']
                labels: ['rule=Host(`${DOMAIN}`)']
            """
        }
    )
    recipe = await read_recipe(files)
    web = recipe.services["web"]
    assert (web.command, web.ports) == (("serve", "--dsn=", ""), (8000,))
    assert web.environment == {"URL": "http://x/"}, "a bare name that nobody knows stays unset"
    told = [warning for warning in recipe.warnings if "is not set" in warning]
    assert sorted(warning.partition('" is')[0] for warning in told) == [
        'compose.yaml:4: "WEB_PORT', 'compose.yaml:5: "DSN', 'compose.yaml:6: "SUBPATH', 'compose.yaml:7: "DOMAIN'
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("mem_limit: '${GONE}'", "mem_limit"),
        ("cpus: '${GONE}'", "cpus"),
        ("tty: ${GONE}", "tty"),
        ("ports: ['8080:${GONE}']", "ports.0"),
        ("ports: ['${GONE}']", "ports.0"),
        ("volumes: ['${GONE}/up:/up']", "volumes.0"),
        ("volumes: ['${GONE}:/up']", "volumes.0"),
        ("env_file: '${GONE}'", "env_file"),
        ("healthcheck: {test: x, interval: '${GONE}'}", "healthcheck.interval"),
        ("depends_on: ['${GONE}']", "depends_on"),
        ("image: 'redis:${GONE}'", "image"),
        ("build: $GONE", "build.context"),
    ],
)
async def test_where_an_empty_text_will_not_do_the_variable_is_named(written: str, key: str) -> None:
    image = "" if written.startswith(("image", "build")) else "    image: x\n"
    text = f"services:\n  web:\n    {written}\n{image}    working_dir: ${{OTHER}}\n"
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"compose.yaml": text}))
    assert str(caught.value).startswith(f"compose.yaml:3: services.web.{key}: ")
    assert str(caught.value).endswith(
        ". GONE has no value: set it among the project's variables or in .env, or write ${GONE:-default}."
    )


async def test_a_required_variable_fails_with_the_authors_words() -> None:
    text = """
    services:
      web:
        image: ${IMAGE:?choose an image}
        environment:
          KEY: ${KEY:?put KEY into the project's variables}
    """
    with pytest.raises(RecipeError) as failed:
        await read_recipe(Files(**{"compose.yaml": text}))
    assert sorted(str(failed.value).splitlines()) == [
        "compose.yaml:3: services.web.image: IMAGE is required: choose an image. "
        "Set IMAGE in the project's variables or in .env.",
        "compose.yaml:5: services.web.environment.KEY: KEY is required: put KEY into the project's variables. "
        "Set KEY in the project's variables or in .env.",
    ]


async def test_env_files_are_read_in_order_and_never_with_our_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "SECRET_KEY", "ours")
    file = (
        "USER1=ann\nURL=pg://${USER1}:${PASSWORD}@db # where\nexport QUOTED=\"<$USER1>\"\nLITERAL='$USER1 ${X}'\n"
        "UNSET=[${SECRET_KEY}${NOBODY}]\nDEFAULT=${NOBODY:-x}\nPAGE=${GALLEY_PREVIEW_URL_web:-none}/p\nMONEY=5$\nPASSWORD=\n"
    )
    service = await started(env_file="a.env", project={"PASSWORD": "p$1"}, **{"a.env": file})
    assert service.environment == {
        "USER1": "ann", "URL": "pg://ann:p$1@db", "QUOTED": "<ann>", "LITERAL": "$USER1 ${X}", "UNSET": "[]",
        "DEFAULT": "x", "PAGE": "http://web.test/p", "MONEY": "5$", "PASSWORD": "",
    }  # fmt: skip


async def test_the_repositorys_env_file_is_known_to_the_whole_file() -> None:
    dotenv = "HOST=db\nURL=pg://${HOST}\nPAGE=${GALLEY_PREVIEW_URL_web}\n"
    service = await started("A: '${URL}', B: '${PAGE}', C: $PWD", **{".env": dotenv})
    assert service.environment == {"A": "pg://db", "B": "http://web.test", "C": "/repository"}


async def test_an_env_file_that_is_not_committed_stops_nothing() -> None:
    text = "services: {web: {image: x, env_file: [.env, {path: b.env, required: false}]}}"
    recipe = await read_recipe(Files(**{"compose.yaml": text}))
    [warning] = recipe.warnings
    assert (
        "compose.yaml:1: services.web.env_file.0: .env is not in the commit, so nothing is read from it"
        in warning
    )


@pytest.mark.parametrize("file", [".env", "a.env"])
async def test_a_line_that_sets_nothing_is_reported_with_file_and_line(file: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{file}:2: key cannot contain a space. Write NAME=value"):
        await started(env_file="a.env", **{"a.env": "", file: "A=1\nno variable here\n"})


async def test_variables_that_double_each_other_end_in_a_message() -> None:
    bomb = "A0=xxxxxxxx\n" + "".join(f"A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 64))
    with pytest.raises(RecipeError, match=r"compose.yaml:1: the compose file needs too much memory or time"):
        await started(env_file="a.env", **{"a.env": bomb})


async def test_a_long_value_used_often_ends_in_a_message() -> None:
    with pytest.raises(
        RecipeError, match=r"compose.yaml:1: the compose file becomes more than 4,000,000 bytes"
    ):
        files = Files(
            **{
                "compose.yaml": f"services: {{web: {{image: x, labels: {{L: '{'$A' * 10_000}'}}}}}}",
                ".env": f"A={'x' * 1000}",
            }
        )
        await read_recipe(files)
