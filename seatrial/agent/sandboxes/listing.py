"""Which files a policy means: by pattern, by exception, by class."""

from collections.abc import Iterable, Sequence

from seatrial.agent.sandboxes.classes import CLASSES, class_of
from seatrial.agent.sandboxes.globs import matcher
from seatrial.agent.sandboxes.questions import Unanswerable


def chosen(
    paths: Iterable[str], globs: Sequence[str] = (), excludes: Sequence[str] = (), classes: Sequence[str] = ()
) -> list[str]:
    """Those of `paths` that match one of `globs` and none of `excludes`, and are of one of `classes`; empty: all. Raises Unanswerable."""
    unknown = [one for one in classes if one not in CLASSES]
    if unknown:
        raise Unanswerable(f"there is no class {unknown[0]!r} of paths; there are: {', '.join(CLASSES)}")
    found = list(paths)
    if globs:
        found = list(filter(matcher(tuple(globs)), found))
    if excludes:
        left_out = matcher(tuple(excludes))
        found = [path for path in found if not left_out(path)]
    return [path for path in found if class_of(path) in classes] if classes else found
