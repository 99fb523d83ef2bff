"""Which secrets builds are given: what the recipe names and the project permits, each tier its own."""

from dataclasses import replace

import pytest

from seatrial.agent.environments import build_secrets
from seatrial.agent.environments.build_secrets import cache_scope
from seatrial.agent.environments.launch import build_digest
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.errors import AgentError, RecipeError
from seatrial.wire.states import ServiceKind
from seatrial.wire.variables import Values
from tests.recipes.files import Files

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
GALLEY = "version: 1\nservices:\n  web:\n    build: {%s}\n"
COMPOSE = """
services:
  web:
    build:
      context: .
      %s
secrets:
  token: {environment: NPM_TOKEN}
  committed: {file: ./token}
"""


async def build_of(name: str, text: str) -> Build:
    build = (await read_recipe(Files(**{name: text, "Dockerfile": "FROM x"}))).services["web"].build
    assert build is not None
    return build


async def test_both_recipes_name_ids_and_variables() -> None:
    listed = await build_of("galley.yml", GALLEY % "secrets: [NPM_TOKEN], ssh: DEPLOY_KEY")
    assert (listed.secrets, listed.ssh) == ({"NPM_TOKEN": "NPM_TOKEN"}, {"default": "DEPLOY_KEY"})
    named = await build_of("galley.yml", GALLEY % "secrets: {npm: NPM_TOKEN}, ssh: {git: DEPLOY_KEY}")
    assert (named.secrets, named.ssh) == ({"npm": "NPM_TOKEN"}, {"git": "DEPLOY_KEY"})
    composed = await build_of("compose.yaml", COMPOSE % "secrets: [token]\n      ssh: [default]")
    assert (composed.secrets, composed.ssh) == ({"token": "NPM_TOKEN"}, {"default": "SSH_PRIVATE_KEY"})
    renamed = await build_of("compose.yaml", COMPOSE % "secrets: [{source: token, target: npm}]")
    assert renamed.secrets == {"npm": "NPM_TOKEN"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("galley.yml", GALLEY % "secrets: {'a,b': X}", "galley.yml:4: .*secrets.a,b: 'a,b' is not the id of a secret"),
        ("galley.yml", GALLEY % "secrets: {a: '${X}'}", r"galley.yml:4: .*secrets.a: '\$\{X\}' is not the name of a variable"),
        ("galley.yml", GALLEY % "ssh: {a: ~/.ssh/id}", "galley.yml:4: .*ssh.a: '~/.ssh/id' is not the name of a variable"),
        ("compose.yaml", COMPOSE % "secrets: [committed]", "compose.yaml:8: secrets.committed: a build gets secrets from the project's variables only"),
        ("compose.yaml", COMPOSE % "ssh: ['default=/root/.ssh/id']", "compose.yaml:5: .*ssh: refused: it names a key or an agent of the host"),
        ("compose.yaml", COMPOSE % "ssh: ['git=./key']", "compose.yaml:5: .*ssh: refused: it names a key"),
    ],
)  # fmt: skip
async def test_what_names_none_is_refused_with_its_place(name: str, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        await build_of(name, text)


def recipe(build: Build) -> Recipe:
    service = Service(name="web", kind=ServiceKind.WEB, build=build)
    return Recipe("galley.yml", {"web": service}, places={"web": "galley.yml:4"})


SECRET = recipe(Build(secrets={"npm": "NPM_TOKEN"}))
SSH = recipe(Build(ssh={"default": "DEPLOY_KEY"}))
PERMITTED = Values(
    values={"NPM_TOKEN": "hush-hush", "DEPLOY_KEY": KEY},
    secret=["NPM_TOKEN", "DEPLOY_KEY"],
    builds=["NPM_TOKEN", "DEPLOY_KEY"],
)


@pytest.mark.parametrize(
    ("wanted", "given", "fork", "said"),
    [
        (SECRET, Values(), False, "galley.yml:4: services.web.build.secrets.npm: NPM_TOKEN has no value. Add it to the variables of the project, and"),
        (SECRET, Values(), True, "has no value. Add it to the variables of the project, which gives pull requests from forks only what is set for forks"),
        (SECRET, PERMITTED.model_copy(update={"builds": []}), False, "NPM_TOKEN may not be used by builds. An admin permits it"),
        (SSH, PERMITTED.model_copy(update={"values": {"DEPLOY_KEY": "hush-hush"}}), False, "ssh.default: DEPLOY_KEY is not a private key without a passphrase"),
        (SSH, PERMITTED.model_copy(update={"values": {"DEPLOY_KEY": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhush-hush"}}), False, "is not a private key without"),
    ],
)  # fmt: skip
def test_a_build_is_given_what_recipe_and_project_both_say(
    wanted: Recipe, given: Values, fork: bool, said: str
) -> None:
    with pytest.raises(AgentError, match=said) as refused:
        build_secrets.check(wanted, given, fork=fork)
    assert "hush" not in str(refused.value) and refused.value.service == "web"


def test_what_is_permitted_is_given_by_id() -> None:
    build_secrets.check(SECRET, PERMITTED, fork=False)
    build_secrets.check(SSH, PERMITTED, fork=True)
    assert build_secrets.values_of({"npm": "NPM_TOKEN"}, PERMITTED) == {"npm": "hush-hush"}


def test_what_an_image_is_called_after_has_names_and_no_values() -> None:
    build = Build(secrets={"npm": "NPM_TOKEN"})
    assert build_digest(build, []) != build_digest(replace(build, secrets={"npm": "OTHER"}), [])
    assert build_digest(build, []) != build_digest(Build(), [])


@pytest.mark.parametrize("fork", [False, True])
def test_builds_of_forks_share_no_layer_with_others(fork: bool) -> None:
    assert cache_scope("01P", fork=fork) == ("01P/forks" if fork else "01P")
