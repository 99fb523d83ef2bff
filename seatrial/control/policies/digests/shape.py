"""What is in a digest: the same on its page, in REST and in what addresses are told."""

from datetime import date, datetime

from ninja import Field, Schema


class DigestChange(Schema):
    """One policy that says something else of one default branch than before, or broke there."""

    project: str = Field(description="Id of the project.")
    project_name: str = Field(description="Its name.")
    policy: str = Field(description="Slug of the policy.")
    policy_name: str = Field(description="Its name.")
    before: str | None = Field(
        description="What it said when the digest begins: passed, failed or waived; null: nothing yet."
    )
    now: str = Field(description="What it says: passed, failed, errored or timed_out.")
    page_url: str = Field(description="The page of the evaluation.")


class DigestWaiver(Schema):
    """A waiver whose time is nearly or newly over."""

    project_name: str = Field(description="The name of its project.")
    policy: str = Field(description="Slug of the policy.")
    requested_by: str = Field(description="Who asked for it.")
    expires_at: datetime = Field(description="When it ends, or ended.")
    page_url: str = Field(description="Its page.")


class DigestDay(Schema):
    """The score of one day."""

    day: date = Field(description="The day (UTC).")
    score: float | None = Field(description="0 to 100; null when nothing counted.")


class DigestScore(Schema):
    """The score of the workspace, and how it came to that."""

    now: float | None = Field(description="0 to 100; null when nothing counts.")
    before: float | None = Field(description="What it was when the digest begins; null if that is not known.")
    projects: int = Field(description="How many projects there are.")
    days: list[DigestDay] = Field(description="Eight weeks, the oldest day first.")

    @property
    def change(self) -> float | None:
        """By how much it changed; None if that is not known."""
        return round(self.now - self.before, 1) if self.now is not None and self.before is not None else None


class DigestBody(Schema):
    """What was new in a workspace between two moments. Each list has at most 100 rows."""

    since: datetime = Field(description="When it begins: where the one before it ended, or a week earlier.")
    until: datetime = Field(description="When it ends.")
    score: DigestScore = Field(description="The workspace's score.")
    newly_failing: list[DigestChange] = Field(description="What fails, and did not.")
    newly_passing: list[DigestChange] = Field(description="What passes, and failed or was waived.")
    errored: list[DigestChange] = Field(description="What has no verdict now, because it broke.")
    waivers_expiring: list[DigestWaiver] = Field(description="Approved waivers that end within a week.")
    waivers_expired: list[DigestWaiver] = Field(description="Approved waivers whose time ran out.")
    left_out: int = Field(description="How many rows there was no room for.")

    @property
    def quiet(self) -> bool:
        """Whether there is nothing in it that somebody has to do, or may be glad of."""
        return not (
            self.newly_failing
            or self.newly_passing
            or self.errored
            or self.waivers_expiring
            or self.waivers_expired
        )
