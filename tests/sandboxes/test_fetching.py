"""A fetch that git failed at is tried again; what another try cannot mend is not."""

from typing import Any, cast

import pytest

from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.on_commit import OnCommit
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.vocabulary.credentials import Credentials
from seatrial.agent.vocabulary.errors import CheckoutError, FetchFailed, Incomplete
from seatrial.wire.evaluations import RunEvaluation
from tests.sandboxes.conftest import Bench


class Checkouts:
    """Fails with these errors, one after another; then there is a tree."""

    def __init__(self, *errors: CheckoutError) -> None:
        self.errors = list(errors)
        self.tree = object()

    async def fetch(self, *_: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return self.tree


async def taken(checkouts: Checkouts) -> Any:
    on_commit = OnCommit(cast(Any, checkouts), cast(Pool, None), cast(Memo, None), pauses=(0.0, 0.0))
    command = RunEvaluation.model_construct(source=None, repository="r", commit="c")
    return await on_commit._tree_at_last(command, cast(Credentials, None))


async def test_git_fetches_again_what_it_could_not() -> None:
    checkouts = Checkouts(FetchFailed("no route"), FetchFailed("no route"))
    assert await taken(checkouts) is checkouts.tree


@pytest.mark.parametrize(
    "errors",
    [[FetchFailed("no route")] * 3, [CheckoutError("no credential")], [Incomplete("a partial clone")]],
)
async def test_in_the_end_the_reason_is_said(errors: list[CheckoutError]) -> None:
    checkouts = Checkouts(*errors, FetchFailed("not asked any more"))
    with pytest.raises(CheckoutError, match=str(errors[-1])):
        await taken(checkouts)
    assert len(checkouts.errors) == 1


async def test_a_source_that_git_cannot_reach_is_of_the_kind_that_is_tried_again(processes: Bench) -> None:
    source = processes.command().source.model_copy(update={"clone_url": "/nowhere/at/all"})
    with pytest.raises(FetchFailed, match="cannot fetch commit"):
        await processes.evaluations._on_commit.checkouts.fetch(source, "r", "0" * 40)
