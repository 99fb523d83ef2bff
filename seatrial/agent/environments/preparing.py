"""From a commit to a launch: check out, read the recipe, build the images that do not exist yet."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.environments import build_secrets
from seatrial.agent.environments.committed_files import CommittedFiles, committed_files
from seatrial.agent.environments.containment import Containment, contained
from seatrial.agent.environments.image_warnings import image_warnings
from seatrial.agent.environments.interpolation import (
    callback_values,
    interpolated,
    known_values,
    refuse_in_builds,
)
from seatrial.agent.environments.launch import Launch, build_digest, is_durable, launch
from seatrial.agent.environments.names import Names, tree_folder
from seatrial.agent.environments.phases import Phases
from seatrial.agent.environments.tools import Tools
from seatrial.agent.logs.shipping import Channel
from seatrial.agent.recipes.bounds import bounded, together, within
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.recipes.visitors import with_warning
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import AgentError, BuildError, NeedsEngine, NoSpace
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import ProjectLogins
from seatrial.agent.vocabulary.tree import Entry, Tree
from seatrial.agent.vocabulary.whole import whole
from seatrial.detection import Plan
from seatrial.wire.deployments import Because, DesiredDeployment, DesiredEnvironment, Detected, RecipeRead
from seatrial.wire.registries import RegistryLogin
from seatrial.wire.variables import Values
from seatrial.wire.words import Phase, RuntimeKind


class Preparation:
    """One deployment on its way to a launch. Idempotent: existing images are not built again."""

    def __init__(
        self, tools: Tools, desired: DesiredEnvironment, deployment: DesiredDeployment, phases: Phases
    ) -> None:
        self._tools = tools
        self._desired = desired
        self._deployment = deployment
        self._phases = phases
        self._names = Names.of(tools.agent, desired)
        self._folder = tree_folder(tools.directory, desired.environment, deployment.id)
        self._exported = asyncio.Lock()
        self._tree_is_whole = False  # a folder left by a crash is exported again
        self._given = Values()  # once the recipe is read
        self._logins = ProjectLogins(deployment.registries, self._login, forks=deployment.untrusted)
        self._builds: dict[str, asyncio.Task[str]] = {}
        self._services: dict[str, asyncio.Task[str]] = {}  # the image of each
        self.needs = Resources(cpus=0, memory_mb=0)  # of all services together, once the recipe is read
        self._detected: Detected | None = None  # likewise
        self._read = asyncio.Event()  # and told
        self._walls: Containment | None = None

    async def run(self) -> Launch:
        """Prepare the launch. Raises any AgentError."""
        walls = self._walls = await contained(self._tools.runtime, self._tools.egress, self._deployment)
        async with self._phases.phase(Phase.CHECKOUT):
            check_space(self._tools.directory, self._tools.min_free_mb)
            tree = await self._tools.checkouts.fetch(
                self._desired.source,
                self._desired.repository,
                self._deployment.commit,
                self._tools.credentials.for_environment(self._desired.environment),
            )
            entries = list(await tree.entries())
        async with self._phases.phase(Phase.RECIPE):
            recipe = await self._recipe(tree)
        self.needs = together(recipe, self._tools.defaults)
        await self.tell_needs()
        self._read.set()
        try:
            images = await self._images(tree, entries, recipe)
            return await self._launch(tree, entries, recipe, images, walls)
        finally:
            if not self._keeps_files:
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def walls(self) -> Containment:
        """What it is kept away from, once the recipe is read: from then on its `needs` are known."""
        await self._read.wait()
        assert self._walls is not None
        return self._walls

    async def tell_needs(self) -> None:
        """Report what the services may use together, by which the control plane decides when they start, and what was detected."""
        read = RecipeRead(
            environment=self._desired.environment,
            deployment=self._deployment.id,
            cpus=self.needs.cpus,
            memory_mb=self.needs.memory_mb,
            detected=self._detected,
        )
        await self._tools.reports.observed(
            read, workspace=self._desired.workspace, about=f"deployment/{self._deployment.id}"
        )

    @property
    def _keeps_files(self) -> bool:
        return self._tools.runtime.name == RuntimeKind.PROCESS  # services run from the exported tree there

    async def _recipe(self, tree: Tree) -> Recipe:
        given = await self._variables()
        variables = {**given.values, **callback_values(self._desired)}
        recipe = await self._tools.read_recipe(
            tree, variables, self._tools.defaults, folder=self._deployment.recipe_folder
        )
        if recipe.detected:
            self._detected = read_from(recipe.detected)
            if self._keeps_files:
                raise NeedsEngine(
                    f"{self._detected.title}: what was detected is built from images, by a container engine"
                )
        recipe = with_warning(bounded(recipe, self._tools.most))
        recipe = within(recipe, self._tools.total, self._tools.defaults)
        recipe = interpolated(recipe, known_values(self._desired, self._deployment, recipe, variables))
        refuse_in_builds(recipe, given.secrets)
        build_secrets.check(recipe, given, fork=self._deployment.untrusted)
        self._given = given
        return recipe

    async def _variables(self) -> Values:
        """From here on, their secrets are masked in everything that is said of this environment."""
        environment, deployment = self._desired.environment, self._deployment
        given = await self._tools.variables(environment, deployment.id) if deployment.variables else Values()
        self._tools.logs.masks.tell(environment, deployment.id, given.secrets)
        return given

    async def _images(self, tree: Tree, entries: list[Entry], recipe: Recipe) -> dict[str, str]:
        """{service: image}, all built or fetched concurrently; the first failure cancels the others."""
        self._services = {
            name: asyncio.create_task(self._image(tree, entries, service))
            for name, service in recipe.services.items()
        }
        tasks = list(self._services.values())
        try:
            images = await asyncio.gather(*tasks)
        finally:
            for task in [*tasks, *self._builds.values()]:
                task.cancel()
            await asyncio.gather(*tasks, *self._builds.values(), return_exceptions=True)
        return dict(zip(recipe.services, images, strict=True))

    async def _image(self, tree: Tree, entries: list[Entry], service: Service) -> str:
        try:
            if service.build is None:
                return await self._fetched(service)
            siblings = await self._siblings(service.build)
            async with self._phases.phase(Phase.BUILD, service.name):
                digest = build_digest(service.build, entries, siblings)
                building = self._builds.get(digest)
                if building is None:
                    building = self._builds[digest] = asyncio.create_task(
                        self._built(tree, service, digest, siblings)
                    )
                return await asyncio.shield(building)
        except AgentError as error:
            error.service = error.service or service.name
            raise

    async def _fetched(self, service: Service) -> str:
        image = service.image or ""
        if self._tools.kept is not None:
            self._tools.kept.hold(self._deployment.id, image)
        if await self._tools.runtime.has_image(image):  # nothing to wait for, hence no phase
            return await self._ensured(service, image)
        async with self._phases.phase(Phase.BUILD, service.name):
            return await self._ensured(service, image)

    async def _ensured(self, service: Service, image: str) -> str:
        reference = await self._tools.images.ensure(image, self._log(service.name), self._logins)
        if self._tools.kept is not None:
            self._tools.kept.hold(self._deployment.id, reference)
        return reference

    async def _login(self, registry: str) -> RegistryLogin:
        return await self._tools.registries(self._desired.environment, self._deployment.id, registry)

    async def _siblings(self, build: Build) -> dict[str, str]:
        """{service: its image} of those that the build takes from, once they are there. The reader has refused cycles."""
        names = set(build.contexts.services.values())
        return {name: await asyncio.shield(self._services[name]) for name in sorted(names)}

    async def _built(self, tree: Tree, service: Service, digest: str, siblings: Mapping[str, str]) -> str:
        assert service.build is not None
        tag = self._names.image(service.name, digest)
        log = self._log(service.name)
        if not self._deployment.no_cache and await self._tools.runtime.has_image(tag):
            await log(f"{service.name}: nothing changed since {tag} was built")
            return tag
        check_space(self._tools.directory, self._tools.min_free_mb)
        await self._export(tree)
        owner = None if is_durable(service) else self._deployment.id
        request = BuildRequest(
            service=service.name,
            build=service.build,
            context_root=self._folder,
            tag=tag,
            labels=self._names.labels(deployment=owner, service=service.name, kind=service.kind),
            cache_scope=build_secrets.cache_scope(self._desired.project, fork=self._deployment.untrusted),
            no_cache=self._deployment.no_cache,
            secrets=build_secrets.values_of(service.build.secrets, self._given),
            ssh=build_secrets.values_of(service.build.ssh, self._given),
            content=digest,
            siblings=siblings,
            logins=self._logins,
        )
        async with self._tools.build_queue.turn(self._deployment.id, service.name, log):
            try:
                await self._tools.builder.build(request, log)
            except OSError as error:
                check_space(self._tools.directory, self._tools.min_free_mb)
                raise BuildError(f"{service.name}: the build could not run: {error}") from error
        return tag

    async def _export(self, tree: Tree) -> None:
        async with self._exported:
            if self._tree_is_whole:
                return
            await _fresh_folder(self._folder, closed=not self._keeps_files)
            await tree.export(self._folder)
            self._tree_is_whole = True

    def _log(self, service: str) -> Log:
        channel = Channel(self._desired.workspace, self._desired.environment, self._deployment.id, service)

        async def log(text: str) -> None:
            await self._tools.logs.build_line(channel, text)

        return log

    async def _launch(
        self, tree: Tree, entries: list[Entry], recipe: Recipe, images: Mapping[str, str], walls: Containment
    ) -> Launch:
        runtime = self._tools.runtime
        warnings = [
            f"{recipe.source}: services.{name}: {warning}"
            for name, service in recipe.services.items()
            for warning in await image_warnings(runtime, service, images[name])
        ]
        if self._keeps_files:
            await self._export(tree)
        whole = launch(
            self._names,
            self._deployment.id,
            recipe,
            images,
            defaults=self._tools.defaults,
            walls=walls,
            source_tree=self._folder if self._keeps_files else None,
            files={} if self._keeps_files else self._files(tree, entries, recipe),
            image_volumes={name: await runtime.image_volumes(images[name]) for name in recipe.services},
            warnings=warnings,
        )
        return replace(whole, warnings=(*whole.warnings, *self._left_out(recipe, whole)))

    def _left_out(self, recipe: Recipe, whole: Launch) -> list[str]:
        lacking = {
            planned.service.name: [
                *self._tools.runtime.left_out(planned.spec),
                *(["its configs and secrets"] if self._keeps_files and planned.service.texts else []),
            ]
            for planned in whole.services
        }
        return [
            f"{recipe.source}: services.{name}: ignored on this agent: {', '.join(lacks)}"
            for name, lacks in lacking.items()
            if lacks
        ]

    def _files(self, tree: Tree, entries: list[Entry], recipe: Recipe) -> dict[str, CommittedFiles]:
        return {
            name: committed_files(tree, entries, service.copies, service.texts, self._folder)
            for name, service in recipe.services.items()
            if service.copies or service.texts
        }


def read_from(plan: Plan) -> Detected:
    """What was detected, as messages carry it."""
    reasons = [Because(file=one.file, says=one.says) for one in plan.reasons]
    return Detected(title=plan.title, reasons=reasons, dockerfile=plan.dockerfile)


def check_space(directory: Path, needed_mb: int) -> None:
    """Raise NoSpace when the data directory's disk is too full to build on."""
    directory.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(directory).free // 1024**2
    if free_mb < needed_mb:
        raise NoSpace(
            f"{directory} has {free_mb:,} MB free; {needed_mb:,} MB are needed to build. "
            "Free some space on that disk, or lower GALLEY_MIN_FREE_MB"
        )


@whole
async def _fresh_folder(folder: Path, *, closed: bool) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await asyncio.to_thread(_make_folder, folder, closed=closed)


def _make_folder(folder: Path, *, closed: bool) -> None:
    """`closed`: no other user of the host may read the code. Not for services that run from the folder as another user."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder.parent.parent.chmod(0o700 if closed else 0o755)
    folder.mkdir(mode=0o755)
