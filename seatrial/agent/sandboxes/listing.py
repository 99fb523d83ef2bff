"""Which files a policy means: by pattern, by exception, by class."""

from collections.abc import Sequence

from seatrial.agent.sandboxes.classes import CLASSES, class_of
from seatrial.agent.sandboxes.globs import expression, matcher, take_back
from seatrial.agent.sandboxes.names import Names
from seatrial.agent.sandboxes.questions import Unanswerable


def chosen(
    names: Names, globs: Sequence[str] = (), excludes: Sequence[str] = (), classes: Sequence[str] = ()
) -> Sequence[str]:
    """Those of `names` that match one of `globs` and none of `excludes`, and are of one of `classes`; empty: all. Raises Unanswerable."""
    unknown = [one for one in classes if one not in CLASSES]
    if unknown:
        raise Unanswerable(f"there is no class {unknown[0]!r} of paths; there are: {', '.join(CLASSES)}")
    found = matching(names, globs) if globs else names.paths
    if excludes:
        left_out = set(matching(names, excludes))
        found = [path for path in found if path not in left_out]
    return [path for path in found if class_of(path) in classes] if classes else found


def matching(names: Names, globs: Sequence[str]) -> list[str]:
    """Those of `names` that match one of these patterns. Raises Unanswerable."""
    patterns = tuple(globs)
    found = names.matched(expression(patterns))
    return list(filter(matcher(patterns), found)) if take_back(patterns) else found
