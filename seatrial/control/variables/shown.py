"""What pages and REST show of variables: values only of those that are no secrets."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.control.projects.models import Project, Variable
from seatrial.control.projects.scopes import Scope
from seatrial.control.variables.setting import current

SHORTEST_MASKED = 6  # as agents mask, see `agent.logs.masking`


@dataclass(frozen=True)
class Shown:
    """One variable. `inherited`: it is the workspace's; `overridden`: the project has one of that name in its place."""

    row: Variable
    inherited: bool = False
    overridden: bool = False

    @property
    def value(self) -> str:
        """Its value; empty for a secret."""
        return "" if self.row.secret else self.row.value

    @property
    def unmasked(self) -> bool:
        """Whether it is a secret that is too short to be masked in logs."""
        lines = self.row.value.splitlines() if self.row.secret else []
        return self.row.secret and not any(len(line.strip()) >= SHORTEST_MASKED for line in lines)


def shown(scope: Scope) -> Sequence[Shown]:
    """Its own variables, then those that it inherits."""
    own = [Shown(row) for row in current(scope)]
    if not isinstance(scope, Project):
        return own
    mine = {(one.row.name, one.row.tier) for one in own}
    above = current(scope.workspace)
    return [*own, *(Shown(row, inherited=True, overridden=(row.name, row.tier) in mine) for row in above)]
