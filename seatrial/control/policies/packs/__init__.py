"""Packs: policies that come with the platform, one file each. Here they are only read; only a sandbox runs them."""

import ast
import contextlib
import functools
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadMetadata, NoSuchPack
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.trials import cases

FOLDER = Path(__file__).parent
STARTER = "starter"  # what a new workspace is given
METADATA = {"NAME", "CRITERIA", "PARAMS", "NETWORK", "LIVE", "TESTS"}


@dataclass(frozen=True)
class PackedPolicy:
    """One file of a pack: its docstring and its NAME, CRITERIA, PARAMS, NETWORK, LIVE and TESTS, which must be plain literals."""

    slug: str
    name: str
    description: str
    code: str
    criteria: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    network: bool = False
    live: bool = False
    tests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """SHA-256 of the code."""
        return hashlib.sha256(self.code.encode()).hexdigest()


@dataclass(frozen=True)
class Pack:
    """A folder of policies. Its docstring's first line is its name, and the rest its description."""

    slug: str
    name: str
    description: str
    policies: list[PackedPolicy]


@functools.cache
def catalogue() -> list[Pack]:
    """All packs, the starter pack first, the others by slug. Read once by each process: files of a release never change."""
    return sorted((_pack(slug) for slug in slugs()), key=lambda pack: (pack.slug != STARTER, pack.slug))


def slugs() -> list[str]:
    """The names of all packs."""
    return sorted(folder.parent.name.replace("_", "-") for folder in FOLDER.glob("[!_]*/__init__.py"))


def _pack(slug: str) -> Pack:
    docstring = ast.get_docstring(ast.parse((_folder(slug) / "__init__.py").read_text())) or slug
    name, _, description = docstring.partition("\n")
    return Pack(slug, name.rstrip("."), description.strip(), list(read(slug)))


def _folder(slug: str) -> Path:
    return FOLDER / slug.replace("-", "_")


def read(pack: str) -> Iterator[PackedPolicy]:
    """The policies of a pack, by name. Raises NoSuchPack."""
    if pack not in slugs():
        raise NoSuchPack(f"there is no pack {pack!r}; there is: {', '.join(slugs())}")
    for file in sorted(_folder(pack).glob("[!_]*.py")):
        yield parse(file.stem.replace("_", "-"), file.read_text())


def parse(slug: str, code: str) -> PackedPolicy:
    """Read a policy's file without running it. Raises BadMetadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a text is its author's affair
        module = ast.parse(code)
    constants = {name: ast.literal_eval(value) for name, value in assigned(module) if name in METADATA}
    network = constants.get("NETWORK", False)
    if not isinstance(network, bool):
        raise BadMetadata(
            f"{slug}: NETWORK is {network!r}. It is True if the policy asks for the network, else False"
        )
    live = constants.get("LIVE", False)
    if not isinstance(live, bool):
        raise BadMetadata(
            f"{slug}: LIVE is {live!r}. It is True if the policy looks at the preview of the commit, else False"
        )
    return PackedPolicy(
        slug=slug,
        name=constants.get("NAME", slug),
        description=ast.get_docstring(module) or "",
        code=code,
        criteria=constants.get("CRITERIA", {}),
        params=constants.get("PARAMS", {}),
        network=network,
        live=live,
        tests=cases.read(slug, constants.get("TESTS", [])),
    )


class Stored(NamedTuple):
    """What stored code says of itself."""

    name: str
    criteria: dict[str, Any]
    params: dict[str, Any]


def stored(version: PolicyVersion) -> Stored:
    """What the version's own code says, as far as it does. It may be of a release that knew fewer of these names, and have used one
    for something else; so nothing is raised.
    """
    found: dict[str, Any] = {}
    with warnings.catch_warnings(), contextlib.suppress(SyntaxError, RecursionError, MemoryError):
        warnings.simplefilter("ignore")
        for constant, value in assigned(ast.parse(version.code)):
            with contextlib.suppress(ValueError, TypeError):
                found |= {constant: ast.literal_eval(value)} if constant in METADATA else {}
    name, criteria, params = (found.get(one) for one in ("NAME", "CRITERIA", "PARAMS"))
    return Stored(
        name if isinstance(name, str) else version.policy.slug,
        criteria if isinstance(criteria, dict) else {},
        params if isinstance(params, dict) else {},
    )


def assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names and values, with and without an annotation."""
    for node in module.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                yield target.id, node.value


@transaction.atomic
def install(workspace: Workspace, pack: str) -> list[Policy]:
    """Give the workspace the pack's policies, and a new version of those whose code changed since.

    Idempotent. What people changed is kept: whether a policy is enabled, its criteria, its parameters, and its code if
    somebody else than the pack wrote its newest version.
    """
    return [_install(workspace, pack, packed) for packed in read(pack)]


def _install(workspace: Workspace, pack: str, packed: PackedPolicy) -> Policy:
    policy, _ = Policy.objects.get_or_create(
        workspace=workspace,
        slug=packed.slug,
        defaults={"name": packed.name, "pack": pack, "criteria": check_criteria(packed.criteria).stored()},
    )
    author = f"pack {pack}"
    newest = policy.versions.order_by("-number").first()
    if newest is not None and (newest.author != author or newest.digest == packed.digest):
        return policy
    PolicyVersion.objects.create(
        policy=policy,
        number=newest.number + 1 if newest else 1,
        description=packed.description,
        code=packed.code,
        digest=packed.digest,
        network=packed.network,
        live=packed.live,
        tests=packed.tests,
        params={**packed.params, **(changed(newest) if newest else {})},
        author=author,
    )
    if newest is not None and policy.criteria == stored(newest).criteria:
        policy.criteria = check_criteria(packed.criteria).stored()
        policy.save(update_fields=["criteria"])
    return policy


def changed(version: PolicyVersion) -> dict[str, Any]:
    """The parameters that people set: those that differ from the defaults in the version's own code."""
    defaults = stored(version).params
    return {
        key: value for key, value in version.params.items() if key not in defaults or defaults[key] != value
    }
