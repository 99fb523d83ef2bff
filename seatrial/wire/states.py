"""The states of everything that control plane and agents talk about. A terminal state stays terminal."""

from enum import StrEnum


class EnvironmentState(StrEnum):
    """pending -> building -> running -> stopped -> terminated (and stopped -> running, until its time is over).

    One that nobody visits may be hibernating in between: running -> hibernating -> running.
    """

    PENDING = "pending"  # nothing serves and nothing is in progress
    BUILDING = "building"  # nothing serves yet; the first deployment is in progress
    RUNNING = "running"  # a deployment is live (a newer one may be in progress)
    STOPPED = "stopped"  # a person stopped it, and can undo that: its data is kept, its containers do not run
    HIBERNATING = (
        "hibernating"  # nobody visits it: its containers are paused or stopped, and who visits it wakes it
    )
    TERMINATED = "terminated"


class Tier(StrEnum):
    """How much of a preview runs: running -> paused -> stopped -> running. No agent knows the word."""

    RUNNING = "running"
    PAUSED = "paused"  # its containers keep their memory, and get no processor
    STOPPED = "stopped"  # its containers have ended; their files and volumes are kept


class DeploymentState(StrEnum):
    """queued -> building -> starting -> live | failed | superseded | cancelled."""

    QUEUED = "queued"
    BUILDING = "building"
    STARTING = "starting"
    LIVE = "live"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether no later message may change this deployment, except from live to superseded."""
        return self in {self.LIVE, self.FAILED, self.SUPERSEDED, self.CANCELLED}


class SnapshotState(StrEnum):
    """saving -> saved | failed. No agent knows them."""

    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"


class EvaluationState(StrEnum):
    """queued -> running -> passed | failed | errored | timed_out | superseded."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    TIMED_OUT = "timed_out"
    SUPERSEDED = "superseded"

    @property
    def terminal(self) -> bool:
        """Whether no later message may change this evaluation."""
        return self not in {self.QUEUED, self.RUNNING}


class ResultState(StrEnum):
    """The outcome of one policy. Only passed and failed count in a score; skipped and waived do not count in a verdict either."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    WAIVED = "waived"  # an authorised person decided that the result does not matter here; no agent sends this state


class Level(StrEnum):
    """How much a policy's failures weigh, from nothing to most. No agent knows them."""

    DRAFT = "draft"  # it runs in trials only
    ADVISORY = "advisory"  # it runs, and what it says is shown and reported; it never fails a check
    SOFT = "soft"  # it fails the check, and an approved waiver says where that does not matter
    HARD = "hard"  # it fails the check, and nothing waives it

    @property
    def gates(self) -> bool:
        """Whether a failure fails the check."""
        return self in {self.SOFT, self.HARD}


class Severity(StrEnum):
    """How much a finding matters, as its policy says. info < low < medium < high < critical."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class WaiverState(StrEnum):
    """requested -> approved | rejected; a requested or approved one may become expired or withdrawn. No agent knows them."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"  # its time is over, whether or not somebody had decided
    WITHDRAWN = "withdrawn"  # by a person, or because the policy has a new version

    @property
    def open(self) -> bool:
        """Whether somebody may still decide about it, or it waives results."""
        return self in {self.REQUESTED, self.APPROVED}


class TrialState(StrEnum):
    """queued -> running -> finished | errored | cancelled, of one trial and of a whole replay. No agent knows them."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"  # whatever the policies said
    ERRORED = "errored"  # there is no result
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether no later message may change it."""
        return self not in {self.QUEUED, self.RUNNING}


class TestsState(StrEnum):
    """What the own tests of a policy's version say of it. No agent knows them."""

    __test__ = False  # for pytest, which takes it for tests otherwise

    UNTRIED = "untried"  # there are tests, and nobody has run them
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"  # a result is not what its test expects
    ERRORED = "errored"  # they could not be run


class AgentState(StrEnum):
    """online | draining | offline | revoked."""

    ONLINE = "online"
    DRAINING = "draining"
    OFFLINE = "offline"
    REVOKED = "revoked"


class ServiceKind(StrEnum):
    """What a service is for, which decides whether it is routed and whether it keeps data."""

    WEB = "web"
    API = "api"
    WORKER = "worker"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    OTHER = "other"

    @property
    def routable(self) -> bool:
        """Whether the service gets a host name. Only web and api services do; no other is reachable from outside."""
        return self in {self.WEB, self.API}

    @property
    def keeps_data(self) -> bool:
        """Whether the service outlives deployments and is replaced only if its recipe changed."""
        return self in {self.DATABASE, self.CACHE, self.QUEUE}


class Isolation(StrEnum):
    """How untrusted code is contained; shown on every result."""

    GVISOR = "runsc"
    CONTAINER = "runc"  # weaker isolation: shared kernel
    PROCESS = "process"  # no isolation: for trying out only
