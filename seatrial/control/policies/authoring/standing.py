"""How policies have judged lately: what counts of their results in the verdicts that count now."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.policies.current import current
from seatrial.control.policies.models import Evaluation, Policy, Result
from seatrial.wire.states import ResultState

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Judged:
    """How many verdicts that count now it passed, failed, and so on."""

    by_state: Counter[str]

    @property
    def shown(self) -> list[tuple[str, int]]:
        """States with their numbers, what needs somebody first."""
        order = [*(one for one in ResultState if one != ResultState.SKIPPED), ResultState.SKIPPED]
        first = sorted(order, key=lambda one: one not in _NEEDY)
        return [(state, self.by_state[state]) for state in first if self.by_state[state]]


_NEEDY = (ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT)


def judged(user: User, policies: Iterable[Policy]) -> dict[str, Judged]:
    """By the policy's id: its results in what `user` may see; one query."""
    lately = visible(user, Evaluation).filter(created_at__gt=timezone.now() - LATELY)
    rows = Result.objects.filter(
        evaluation__in=current(lately), version__policy__in=[one.pk for one in policies]
    )
    counts: dict[str, Counter[str]] = {}
    for policy, state, number in rows.values_list("version__policy", "state").annotate(Count("id")):
        counts.setdefault(str(policy), Counter())[state] += number
    return {policy: Judged(count) for policy, count in counts.items()}
