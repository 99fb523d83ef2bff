"""What can go wrong with policies.

PolicyError
├── BadCriteria        the criteria cannot be understood; the message names the key and the fix
├── BadMetadata        what a policy's file says of the policy cannot be understood; the message names the line and the fix
├── NoSuchPack         there is no such pack; the message names those that there are
├── NoSuchPolicy       the workspace has no such policy; the message names those that it has
├── BadPolicy          a policy's file is wrong; the message says what is, line by line
├── BadDocument        a file with policies cannot be read; it has the line
├── BadParameters      parameters that the policy does not have, or values that they cannot have
├── SlugTaken          the workspace has a policy of this slug
├── NotNewest          somebody else made a version meanwhile; the message says which
├── NoSuchVersion      the policy has no version of this number
├── BadWaiver          a waiver cannot be asked for like this; the message says what is wrong and the fix
├── NothingToWaive     the policy did not fail where it is to be waived
├── AskedAlready       the same waiver waits for a decision; the message says where
├── NotInThisState     what is asked for is not possible with a waiver in this state
├── OwnRequest         whoever asked for a waiver may not approve it
├── NothingToTry       there is no such commit, or no test; the message says what there is
├── NothingToRescan    there is no project that could be re-scanned
├── TooManyTrials      the workspace has as many trials in progress as it may have
├── ReplayRuns         the workspace has a replay in progress; the message says where
├── TooBigToTry        what is tried does not fit into one message
├── BadSubscription    an address cannot be told of things like this; the message says what is wrong
├── BadDigestTime      digests cannot be made at such a time; the message says at which
├── NotRunAgain        the evaluation cannot be run again; the message says why
├── NotEnded           the evaluation has no verdict yet
├── HardPolicy         nothing waives a policy whose level is hard
├── NoSuchLevel        no level has this name; the message names those that there are
├── BadAttachment      a policy cannot be attached like this; the message says what is wrong and the fix
├── BadGlass           glass cannot be broken like this; the message says what is wrong and the fix
├── NothingToBreak     nothing is against the commit
├── GlassIsBroken      the commit passes already; the message says until when
├── BadSource          policies cannot be taken from there; the message says what is wrong and the fix
├── NotKept            the policy is not kept in git
├── KeptInGit          a file in git decides what the policy is; the message says which
├── NoRatchet          nobody could tell what is new of what the policy finds
└── NotPromoted        the policy may not fail checks before its tests have passed
    └── NotReplayed    nor be hard before it was replayed
"""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.control.errors import ControlError


class PolicyError(ControlError):
    """A policy or a pack cannot be used as it was asked for."""

    code = "policy_error"
    status = 400


class BadCriteria(PolicyError):
    """The criteria cannot be understood."""

    code = "bad_criteria"


class BadMetadata(PolicyError):
    """What a policy's file says of the policy cannot be understood."""

    code = "bad_metadata"


class NoSuchPack(PolicyError):
    """No pack of this name comes with the platform."""

    code = "no_such_pack"


class NoSuchPolicy(PolicyError):
    """The workspace has no policy of this name."""

    code = "no_such_policy"
    status = 404


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a policy's file. `line` counts from 1; 0: it is about the whole file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


class BadPolicy(PolicyError):
    """A policy's file is wrong, and nothing of it was saved."""

    code = "bad_policy"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("Nothing was saved. " + "; ".join(map(str, self.problems)))


class BadDocument(PolicyError):
    """A file with policies cannot be read; `line` counts from 1."""

    code = "bad_document"

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class BadParameters(PolicyError):
    """Parameters that the policy does not have, or values that they cannot have."""

    code = "bad_parameters"


class SlugTaken(PolicyError):
    """The workspace has a policy of this slug."""

    code = "slug_taken"
    status = 409


class NotNewest(PolicyError):
    """Somebody else made a version meanwhile: what would be saved was made from an older one."""

    code = "not_newest"
    status = 409

    def __init__(self, based_on: int, newest: int, author: str) -> None:
        self.newest = newest
        super().__init__(
            f"Nothing was saved: it was made from version {based_on}, and {author or 'somebody'} has made version {newest} since. "
            f"Look at what changed, and save again as made from version {newest}"
        )


class NoSuchVersion(PolicyError):
    """The policy has no version of this number."""

    code = "no_such_version"
    status = 404

    def __init__(self, slug: str, number: int | str) -> None:
        super().__init__(f"{slug} has no version {number}")


class BadWaiver(PolicyError):
    """A waiver cannot be asked for like this."""

    code = "bad_waiver"


class NothingToWaive(PolicyError):
    """The policy did not fail where it is to be waived."""

    code = "nothing_to_waive"
    status = 409


class NotRunAgain(PolicyError):
    """The evaluation cannot be run again."""

    code = "not_run_again"
    status = 409


class AskedAlready(PolicyError):
    """The same waiver waits for a decision."""

    code = "asked_already"
    status = 409


class NotInThisState(PolicyError):
    """What is asked for is not possible with a waiver in this state."""

    code = "waiver_state"
    status = 409


class OwnRequest(PolicyError):
    """Whoever asked for a waiver may not approve it."""

    code = "own_request"
    status = 403


class NothingToTry(PolicyError):
    """There is no commit, or no test, that the policy could be tried on."""

    code = "nothing_to_try"


class NothingToRescan(PolicyError):
    """There is no project on which policies could be run again."""

    code = "nothing_to_rescan"


class TooManyTrials(PolicyError):
    """The workspace has as many trials in progress as it may have."""

    code = "too_many_trials"
    status = 429


class ReplayRuns(PolicyError):
    """The workspace has a replay in progress."""

    code = "replay_runs"
    status = 409


class TooBigToTry(PolicyError):
    """What is tried does not fit into one message."""

    code = "too_big_to_try"


class NotEnded(PolicyError):
    """The evaluation has no verdict yet."""

    code = "not_ended"
    status = 409


class HardPolicy(PolicyError):
    """Nothing waives a policy whose level is hard."""

    code = "hard_policy"
    status = 409


class NotPromoted(PolicyError):
    """A policy may not fail checks before its own tests have passed."""

    code = "not_promoted"
    status = 409


class NotReplayed(NotPromoted):
    """A policy may not be hard before people could see what it says of the commits that there are."""

    code = "not_replayed"


class NoSuchLevel(PolicyError):
    """No level has this name."""

    code = "no_such_level"


class BadAttachment(PolicyError):
    """A policy cannot be attached like this."""

    code = "bad_attachment"


class BadGlass(PolicyError):
    """Glass cannot be broken like this."""

    code = "bad_glass"


class NothingToBreak(PolicyError):
    """Nothing is against the commit."""

    code = "nothing_to_break"
    status = 409


class GlassIsBroken(PolicyError):
    """The commit passes already."""

    code = "glass_is_broken"
    status = 409


class BadSubscription(PolicyError):
    """An address cannot be told of things like this."""

    code = "bad_subscription"


class BadDigestTime(PolicyError):
    """Digests cannot be made at such a time."""

    code = "bad_digest_time"


class BadSource(PolicyError):
    """Policies cannot be taken from there."""

    code = "bad_source"


class NotKept(PolicyError):
    """The policy is not kept in git."""

    code = "not_kept"
    status = 409


class KeptInGit(PolicyError):
    """A file in git decides what the policy is."""

    code = "kept_in_git"
    status = 409


class NoRatchet(PolicyError):
    """Nobody could tell what is new of what the policy finds."""

    code = "no_ratchet"
    status = 409
