"""Java: pom.xml. What its parents say is not read."""

from dataclasses import dataclass, field
from xml.parsers import expat

from seatrial.agent.sandboxes.documents.manifests.shape import Found, Unreadable

DEEPEST = 50


class _Refused(Exception):
    pass


@dataclass
class _Reader:
    """Collects what is below `project` as the parser meets it; a document that declares anything is refused."""

    found: Found = field(default_factory=Found)
    path: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    dependency: dict[str, str] = field(default_factory=dict)
    line: int = 0

    def start(self, name: str, line: int) -> None:
        self.path.append(name.rpartition(":")[2])
        self.texts.append("")
        if len(self.path) > DEEPEST:
            raise _Refused(f"elements nested more than {DEEPEST} deep")
        if self.path[-2:] in (["dependencies", "dependency"], ["plugins", "plugin"], ["project", "parent"]):
            self.dependency, self.line = {"kind": self.path[-1]}, line

    def end(self) -> None:
        name, text = self.path.pop(), self.texts.pop().strip()
        where = self.path[-1] if self.path else ""
        if self.path == ["project"]:
            self.own[name] = text
        if self.path == ["project", "properties"]:
            self.properties[name] = text
        if where in ("dependency", "plugin", "parent"):
            self.dependency[name] = text
        elif name in ("dependency", "plugin", "parent") and "artifactId" in self.dependency:
            self._add()

    def _add(self) -> None:
        one = self.dependency
        name = f"{one.get('groupId', 'org.apache.maven.plugins')}:{one['artifactId']}"
        group = one.get("scope", "main") if one["kind"] == "dependency" else one["kind"]
        self.found.add(name, one.get("version", ""), group, self.line)
        self.dependency = {}


def project(_path: str, text: str) -> Found:
    """Dependencies, plugins and the parent, with properties of the same file filled in. Raises Unreadable."""
    reader = _Reader()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise _Refused("it declares a document type or an entity, which is not read")

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda name, _: reader.start(name, parser.CurrentLineNumber)
    parser.EndElementHandler = lambda _: reader.end()

    def data(more: str) -> None:
        if reader.texts:
            reader.texts[-1] += more

    parser.CharacterDataHandler = data
    try:
        parser.Parse(text.encode(errors="replace"), True)
    except expat.ExpatError as error:
        raise Unreadable(f"not valid XML: {expat.errors.messages[error.code]}", error.lineno) from error
    except _Refused as error:
        raise Unreadable(str(error), parser.CurrentLineNumber) from error
    return _filled(reader)


def _filled(reader: _Reader) -> Found:
    found = reader.found
    found.name = ":".join(
        part for part in (reader.own.get("groupId", ""), reader.own.get("artifactId", "")) if part
    )
    known = {**reader.properties, "project.version": reader.own.get("version", "")}
    for one in found.dependencies:
        spec = one["spec"]
        if spec.startswith("${") and spec.endswith("}"):
            one["spec"] = known.get(spec[2:-1], spec)
    return found
