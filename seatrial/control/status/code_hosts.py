"""What keeps code hosts from being asked, or from being heard: one line for each reason."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Max, OuterRef, Q, Subquery
from django.utils import timezone

from seatrial.control.forges.account_answers import ends_soon
from seatrial.control.forges.budget_answers import budgets, scarcest
from seatrial.control.forges.deliveries.advice import OF_ENDING, OF_RESULT
from seatrial.control.forges.drift import Drifted, drifted
from seatrial.control.forges.models import Account, Delivery, DeliveryResult, Drift, Ending, Hook
from seatrial.control.projects.models import Connection
from seatrial.control.status.check import About, Check
from seatrial.wire.counted import counted

SEALED = ("credential", "webhook_secret", "previous_webhook_secret")
SEEN = timedelta(days=1)
ANOTHER = "Make another credential, and replace it on the connection's page"
UNHEARD = (
    "Look at the webhook's page at the code host. If it refuses private addresses, its administrator allows this server's: of Gitea and "
    "Forgejo ALLOWED_HOST_LIST in the section [webhook] of app.ini, of GitLab Admin, Settings, Network, Outbound requests"
)
UNTOLD = "See what came on the page Deliveries, and send a test from the connection's page"


@dataclass(frozen=True)
class _Refused:
    """Deliveries of a connection that were rejected for one reason since the last that was accepted."""

    result: DeliveryResult
    count: int


@dataclass(frozen=True)
class _Heard:
    """What webhooks said, by the id of the connection."""

    refused: Mapping[str, list[_Refused]]
    given_up: Mapping[str, int]
    drifts: Mapping[str, list[Drifted]]
    hooks: Mapping[str, list[Hook]]
    without_secret: frozenset[str]
    ever: frozenset[str]  # connections with an accepted webhook of the last day


def of_code_hosts() -> Iterator[Check]:
    """Every connection that is not being removed, by name. A constant number of queries."""
    rows = Connection.objects.filter(removal_asked_at=None).defer(*SEALED)  # maybe no key here opens them
    rows = rows.select_related("account", "authorization")
    heard = _heard()
    for row in rows.prefetch_related("budgets").order_by("name", "id"):
        found = [*_credential(row), *_budget(row), *_webhooks(row, heard)]
        if not found and row.base_url:
            found = [
                Check(
                    About.WEBHOOKS,
                    True,
                    f"{row.name}: nothing is amiss with its credential and webhooks",
                    subject=row.pk,
                )
            ]
        yield from found


def _credential(row: Connection) -> Iterator[Check]:
    if hasattr(row, "authorization") and row.authorization.problem:
        word = "has ended" if row.authorization.ended else "cannot be renewed"
        said = f"The authorization of {row.name} {word}, and what is to be done there waits"
        fix = "The connection's page says why, and there it is authorized again"
        yield Check(About.CREDENTIAL, False, said, fix, subject=row.pk)
    account: Account | None = getattr(row, "account", None)
    if account is None:
        return
    if account.problem:
        said = f"{row.name} did not answer: {account.problem}"
        fix = "See whether the code host is up, and test the connection on its page"
        yield Check(About.CREDENTIAL, False, said, fix, grave=False, subject=row.pk)
    if account.missing:
        said = f"The credential of {row.name} lacks {', '.join(account.missing)}"
        yield Check(About.CREDENTIAL, False, said, ANOTHER, subject=row.pk)
    if account.expires_at is not None and ends_soon(account.expires_at):
        word = "ended at" if account.ended else "is good until"
        said = f"The credential of {row.name} {word} {account.expires_at:%Y-%m-%d %H:%M} UTC"
        yield Check(About.CREDENTIAL, False, said, ANOTHER, grave=account.ended, subject=row.pk)


def _budget(row: Connection) -> Iterator[Check]:
    if waits_for := scarcest(budgets(row)).waits_for:
        yield Check(
            About.BUDGET,
            False,
            f"{row.name} waits for {waits_for}",
            "It goes on by itself. If that happens often, see whether others use the same account's requests",
            grave=False,
            subject=row.pk,
        )


def _webhooks(row: Connection, heard: _Heard) -> Iterator[Check]:
    if row.base_url and row.pk in heard.without_secret:
        said = f"{row.name} has no webhook secret: every webhook is rejected"
        yield Check(About.WEBHOOKS, False, said, "Rotate one in on the connection's page", subject=row.pk)
    for one in heard.refused.get(row.pk, ()):
        told = OF_RESULT[one.result]
        said = f"{row.name}: {counted(one.count, 'delivery', 'deliveries')} {one.result} and none accepted since. {told.cause}"
        grave = one.result == DeliveryResult.REJECTED_SECRET  # anybody can send what is signed wrongly
        yield Check(About.WEBHOOKS, False, said, told.fix.rstrip("."), grave, row.pk)
    if number := heard.given_up.get(row.pk):
        told = OF_ENDING[Ending.GIVEN_UP]
        said = (
            f"{row.name}: {counted(number, 'delivery', 'deliveries')} of the last day given up. {told.cause}"
        )
        fix = "The page Deliveries has the last error of each; when its cause is mended, replay it"
        yield Check(About.WEBHOOKS, False, said, fix, grave=False, subject=row.pk)
    for hook in heard.hooks.get(row.pk, ()):
        said = f"{row.name}: the webhook of {hook.project.name} is not as it should be: {hook.problem}"
        yield Check(About.WEBHOOKS, False, said, UNTOLD, grave=False, subject=row.pk)
    for drift in heard.drifts.get(row.pk, ()):
        said = f"{counted(drift.count, 'change')} of {drift.name} came without a webhook in the last hour"
        fix = UNTOLD if row.pk in heard.ever else UNHEARD
        yield Check(About.WEBHOOKS, False, said, fix, grave=False, subject=row.pk)


def _heard() -> _Heard:
    drifts, hooks = defaultdict(list), defaultdict(list)
    for drift in drifted(Drift.objects.all()):
        drifts[drift.connection].append(drift)
    for hook in Hook.objects.exclude(problem="").filter(project__archived_at=None).select_related("project"):
        hooks[hook.project.connection_id].append(hook)
    lately = Delivery.objects.filter(received_at__gt=timezone.now() - SEEN)
    accepted = lately.filter(result=DeliveryResult.ACCEPTED)
    given_up = accepted.filter(ending=Ending.GIVEN_UP).order_by().values_list("connection")
    return _Heard(
        _refused(),
        dict(given_up.annotate(Count("pk"))),
        drifts,
        hooks,
        frozenset(Connection.objects.filter(webhook_secret="").values_list("pk", flat=True)),
        frozenset(accepted.filter(fetched=False).order_by().values_list("connection", flat=True).distinct()),
    )


def _refused() -> Mapping[str, list[_Refused]]:
    newest = Delivery.objects.filter(
        connection=OuterRef("connection"), result=DeliveryResult.ACCEPTED, fetched=False
    )
    last = newest.order_by().values("connection").annotate(at=Max("received_at")).values("at")
    rejected = Delivery.objects.filter(received_at__gt=timezone.now() - SEEN).exclude(
        result=DeliveryResult.ACCEPTED
    )
    since = rejected.annotate(last=Subquery(last)).filter(Q(last=None) | Q(last__lt=F("received_at")))
    found = defaultdict(list)
    counts = since.order_by("connection", "result").values_list("connection", "result").annotate(Count("pk"))
    for connection, result, count in counts:
        found[connection].append(_Refused(DeliveryResult(result), count))
    return found
