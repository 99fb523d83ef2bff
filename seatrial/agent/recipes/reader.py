"""Finds the recipe of a commit and reads it."""

import asyncio
import difflib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from seatrial.agent.recipes import galley
from seatrial.agent.recipes.committed import settled
from seatrial.agent.recipes.compose import reader as compose_reader
from seatrial.agent.recipes.compose.asking import Compose
from seatrial.agent.recipes.compose.data import kept
from seatrial.agent.recipes.compose.marks import known_names, mentioned
from seatrial.agent.recipes.compose.places import named_files
from seatrial.agent.recipes.compose.sources import DOTENV, FILES, OVERRIDES, Sources
from seatrial.agent.recipes.detected import detected, recipe_of
from seatrial.agent.recipes.dockerfile import Dockerfile, read_dockerfile
from seatrial.agent.recipes.document import Document, parse
from seatrial.agent.recipes.large_files import pointers
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import DOCKERFILE, GALLEY_FILES, Build, Recipe, Service
from seatrial.agent.recipes.repository_paths import join
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import NoRecipe, RecipeError
from seatrial.agent.vocabulary.tree import LINK, Tree
from seatrial.detection import Plan
from seatrial.wire.states import ServiceKind

COMPOSE_LIKE = re.compile(r"(docker-)?compose([._-][\w.-]+)?\.ya?ml")
DOCKERFILE_LIKE = re.compile(r"(docker|container)file([._-][\w.-]+)?|[\w.-]+\.(docker|container)file")
MAX_BYTES = 256 * 1024
NOTHING_SAYS = "nothing here says what to run: there is no galley.yml, compose file or Dockerfile"


async def read_recipe(
    tree: Tree,
    variables: Mapping[str, str] | None = None,
    defaults: Resources | None = None,
    *,
    folder: str = "",
    compose: Compose | None = None,
) -> Recipe:
    """The recipe of `tree`, by the precedence that `recipe` documents. Raises NoRecipe, RecipeError, ComposeUnavailable.

    `variables` are the project's, for a compose file; `defaults` fill in missing values of resource limits. `folder` is where
    the recipe is; empty: at the root. Its paths begin there, and may lead anywhere in the repository. `compose` reads compose
    files: who passes the same again gets what it remembers.
    """
    limits = defaults or Resources()
    for name in GALLEY_FILES:
        path = join(folder, name)
        raw = await recipe_file(tree, path)
        if raw is not None:
            return await checked(tree, galley.read(await parsed(path, raw), limits))
    named = await with_compose_file(tree, folder, variables or {})
    if (not folder or "COMPOSE_FILE" in named) and await has_compose_file(tree, named):
        return await composed(tree, compose or Compose.installed(), named, limits)
    if await recipe_file(tree, join(folder, DOCKERFILE)) is not None:
        return await plain_dockerfile(tree, folder)
    return await without_recipe(tree, folder)


async def without_recipe(tree: Tree, folder: str) -> Recipe:
    """What is detected in the folder. Raises NoRecipe if that is nothing."""
    if folder and not any(entry.path.startswith(f"{folder}/") for entry in await tree.entries()):
        raise NoRecipe(f"this commit has no folder {folder}: correct the project's recipe folder")
    plan = await detected(tree, folder)
    near = "" if folder else await nearly(tree)
    if isinstance(plan, Plan):
        warning = near and f"a detected Dockerfile is used. {near}"
        return await checked(tree, recipe_of(plan, folder, warning))
    where = f"in {folder}" if folder else "at the repository's root"
    raise NoRecipe(f"{NOTHING_SAYS} {where}. {plan}. {near or 'Add one of them'}")


async def with_compose_file(tree: Tree, folder: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """`variables`, with the compose file of `folder` and what overrides it, unless they name one themselves."""
    if not folder or "COMPOSE_FILE" in variables:
        return variables
    paths = {entry.path for entry in await tree.entries()}
    found = [
        next((path for path in (join(folder, name) for name in names) if path in paths), None)
        for names in (FILES, OVERRIDES)
    ]
    return {**variables, "COMPOSE_FILE": ":".join(filter(None, found))} if found[0] else variables


async def has_compose_file(tree: Tree, variables: Mapping[str, str]) -> bool:
    """Whether there is one at the root, or COMPOSE_FILE says which it is. Raises RecipeError if it cannot be a recipe."""
    dotenv = await tree.read(DOTENV, limit=MAX_BYTES)
    if named_files({DOTENV: dotenv} if dotenv else {}, variables):
        return True
    for name in FILES:
        if await recipe_file(tree, name) is not None:
            return True
    return False


async def composed(tree: Tree, compose: Compose, variables: Mapping[str, str], limits: Resources) -> Recipe:
    """The recipe of a compose file.

    Which names of the platform have values at the start is known once the services are: until then, all are taken to.
    """
    sources = Sources(tree)
    await sources.collect(variables)
    names = mentioned(sources.files)
    recipe = await checked(tree, await compose_reader.read(compose, sources, variables, names, limits))
    right = mentioned(sources.files) & known_names(recipe)
    if right == names:
        return recipe
    return await checked(tree, await compose_reader.read(compose, sources, variables, right, limits))


async def parsed(name: str, raw: bytes) -> Document:
    """`parse` on a thread: a hostile file takes ten seconds, and heartbeats must go on."""
    return await asyncio.to_thread(parse, name, raw)


async def nearly(tree: Tree) -> str:
    """What to do about a recipe in a subfolder or under another name; nothing if there is none."""
    entries = {e.shown: posixpath.basename(e.path).lower() for e in await tree.entries()}
    composes = sorted((path for path, name in entries.items() if COMPOSE_LIKE.fullmatch(name)), key=depth)
    if composes:
        others = f" (and {len(composes) - 1} more)" if len(composes) > 1 else ""
        if posixpath.basename(composes[0]) in FILES and posixpath.dirname(composes[0]):
            return f"There is {composes[0]}{others}: {in_folder(composes[0])}"
        return (
            f"There is {composes[0]}{others}: commit a .env at the root that says COMPOSE_FILE={composes[0]}, or set "
            "COMPOSE_FILE in the project's variables"
        )
    near = sorted((path for path, name in entries.items() if DOCKERFILE_LIKE.fullmatch(name)), key=depth)
    if not near:
        return ""
    folder, name = posixpath.split(near[0])
    others = f" (and {len(near) - 1} more)" if len(near) > 1 else ""
    if not folder:
        return f"Rename {near[0]} to Dockerfile"
    named = "" if name == "Dockerfile" else f", dockerfile: {name}"
    build = f"build: {{path: {folder}{named}}}"
    return f"There is {near[0]}{others}: add a galley.yml with a service that has {build}"


def in_folder(path: str) -> str:
    """What to do about a recipe that is not at the root."""
    return f"set the project's recipe folder to {posixpath.dirname(path)}"


def depth(path: str) -> tuple[int, str]:
    """Sorts what lies nearer to the root first."""
    return path.count("/"), path


async def recipe_file(tree: Tree, name: str) -> bytes | None:
    """The file's bytes; None if it does not exist. Raises RecipeError if it cannot be a recipe."""
    entry = next((entry for entry in await tree.entries() if entry.path == name), None)
    if entry is None:
        return None
    if entry.mode == LINK:
        raise RecipeError(f"{name}:1: a symbolic link is not followed. Commit the file itself.")
    raw = await tree.read(name, limit=MAX_BYTES)
    if raw is None:
        raise too_large(name)
    return raw


async def plain_dockerfile(tree: Tree, folder: str) -> Recipe:
    """One web service, built from the folder's Dockerfile."""
    service = Service(name="web", kind=ServiceKind.WEB, build=Build(path=folder or "."))
    return await checked(tree, Recipe(join(folder, DOCKERFILE), {"web": service}))


async def checked(tree: Tree, recipe: Recipe) -> Recipe:
    """`recipe`, completed from the commit's files, after checking that every Dockerfile it names exists."""
    read: dict[tuple[str, frozenset[tuple[str, str]]], Dockerfile] = {}  # by path or text, and arguments
    files: dict[str, Dockerfile | None] = {}
    problems = Problems()
    for name, service in recipe.services.items():
        files[name] = None
        if service.build is not None:
            text = service.build.dockerfile_inline or service.build.dockerfile_path
            key = (text, frozenset(service.build.args.items()))
            with problems.noted():
                read[key] = files[name] = read.get(key) or await dockerfile_of(
                    tree, recipe, name, service.build
                )
    problems.raise_all()
    recipe = replace(recipe, warnings=(*recipe.warnings, *await pointers(tree)))
    complete = settled(guessed(recipe, files), files, await tree.entries())
    return kept(complete, files) if recipe.composed else complete


def guessed(recipe: Recipe, files: Mapping[str, Dockerfile | None]) -> Recipe:
    """The only service of a recipe that names neither kind nor port is a web service when its image EXPOSEs one."""
    if len(recipe.services) > 1:
        return recipe
    [(name, service)] = recipe.services.items()
    dockerfile = files[name]
    if dockerfile is None or service.kind is not ServiceKind.WORKER or name in recipe.given_kinds:
        return recipe
    exposed = dockerfile.exposed_ports(service.build.target if service.build else None)
    kind = ServiceKind.WEB if exposed else service.kind
    return replace(recipe, services={name: replace(service, kind=kind)})


async def dockerfile_of(tree: Tree, recipe: Recipe, service: str, build: Build) -> Dockerfile:
    """The Dockerfile of a service. Raises RecipeError if it is missing, too large, or has no FROM."""
    path = build.dockerfile_path
    place = recipe.places.get(service, f"{recipe.source}:1")
    if build.dockerfile_inline:
        key = f"{place}: services.{service}.build.dockerfile_inline"
        raw: bytes | None = build.dockerfile_inline.encode()
    else:
        key, raw = path, await tree.read(path, limit=MAX_BYTES)
    if raw is not None:
        dockerfile = await asyncio.to_thread(read_dockerfile, key, raw, build.args)
        check_target(f"{place}: services.{service}.build.target", dockerfile, build.target)
        return dockerfile
    if any(entry.path == path and (entry.size or 0) > MAX_BYTES for entry in await tree.entries()):
        raise too_large(path)
    raise RecipeError(
        f"{place}: services.{service}.build: there is no file {path} in this commit. "
        "Add the Dockerfile, or correct the path."
    )


def check_target(where: str, dockerfile: Dockerfile, target: str | None) -> None:
    """Raise RecipeError for a stage that the Dockerfile does not have."""
    if target is None or dockerfile.has_stage(target):
        return
    names = [stage.name for stage in dockerfile.stages if stage.name]
    near = difflib.get_close_matches(target, names, n=1)
    fix = f"Did you mean {near[0]}?" if near else f"Stages there: {', '.join(names) or 'none has a name'}."
    raise RecipeError(f"{where}: its Dockerfile has no stage {target}. {fix}")


def too_large(path: str) -> RecipeError:
    """The error for a file that no person wrote."""
    return RecipeError(f"{path}:1: not a file of at most {MAX_BYTES // 1024} KB. Make it smaller.")
