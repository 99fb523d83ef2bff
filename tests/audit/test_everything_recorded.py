"""What people and programs change leaves an entry: from each operation and each form there is a way to `record`.

Read from the source, as the ways are: functions, and the names of functions that they use, wherever those are defined. It finds an
operation that was added without an entry, not one that records only sometimes: what each records is tested where it is done.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORD = ("seatrial.control.audit.services", "record")
CHANGES = {"post", "put", "patch", "delete"}
Function = tuple[str, str]  # its module and name

# Operations and forms that leave no entry, and why. Keep it short.
WITHOUT: dict[str, str] = {
    "accounts.pages.audit_verify": "it changes nothing, but for what the page says was found last",
    "accounts.second_factor.pages.unlink": "allauth's signal does: accounts/second_factor/audited.py",
    "dashboard.theme.theme": "it is a cookie of somebody's own browser",
    "keys.api.verify": "it changes nothing",
    "keys.pages.verify": "it changes nothing",
    "forges.github.app_pages.create": "it leads to GitHub, which makes the App or not; coming back from there is recorded",
}


@functools.cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted((ROOT / "seatrial/control").rglob("*.py")):
        if "migrations" not in path.parts:
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


@functools.cache
def imports(module: str) -> dict[str, tuple[str, str]]:
    """What each imported name of a module means: (module, name), or (module, "") for a module itself."""
    known = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("seatrial.control"):
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                known[one.asname or one.name] = (whole, "") if whole in modules() else (node.module, one.name)
    return known


@functools.cache
def definitions(module: str) -> dict[str, list[ast.AST]]:
    """The functions, methods and classes of a module by name, and what its variables are made of."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    for node in modules()[module].body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
    return found


def used(module: str, node: ast.AST) -> Iterator[Function]:
    """The functions that a function names: its module's own, and those of others."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            of, name = imports(module).get(one.value.id, ("", "-"))
            if not name:
                yield of, one.attr
        if isinstance(one, ast.Attribute) and one.attr in definitions(module):
            yield module, one.attr
        if isinstance(one, ast.Name):
            yield imports(module).get(one.id, (module, one.id))


@functools.cache
def reached(function: Function) -> frozenset[Function]:
    """What one function uses."""
    module, name = function
    if module not in modules():
        return frozenset()
    if name in imports(module):  # passed on by a module that only imports it
        return frozenset({imports(module)[name]})
    return frozenset(other for node in definitions(module).get(name, []) for other in used(module, node)) - {
        function
    }


def records(function: Function) -> bool:
    seen, ahead = {function}, [function]
    while ahead:
        further = reached(ahead.pop()) - seen
        if RECORD in further:
            return True
        seen |= further
        ahead += further
    return False


def doors() -> Iterator[Function]:
    """Operations of the REST API that change something, and views that take a form."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                map(changes, node.decorator_list)
            ):
                yield module, node.name


def changes(decorator: ast.expr) -> bool:
    match decorator:
        case ast.Name(id="require_POST"):
            return True
        case ast.Call(func=ast.Name(id="require_http_methods"), args=[ast.List(elts=methods)]):
            return any(isinstance(one, ast.Constant) and one.value == "POST" for one in methods)
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in CHANGES
    return False


@pytest.mark.parametrize(
    "door", sorted(doors()), ids=lambda door: ".".join(door).removeprefix("seatrial.control.")
)
def test_what_changes_something_is_recorded(door: Function) -> None:
    name = ".".join(door).removeprefix("seatrial.control.")
    assert records(door) == (name not in WITHOUT), WITHOUT.get(name, "it leaves no entry in the audit log")


def test_there_are_doors() -> None:
    names = {".".join(door).removeprefix("seatrial.control.") for door in doors()}
    assert len(names) > 100 and set(WITHOUT) <= names


def test_one_that_records_nothing_would_be_found() -> None:
    assert not records(("seatrial.control.moment", "one_moment"))
