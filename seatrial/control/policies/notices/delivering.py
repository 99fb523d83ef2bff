"""Sends notices. Whatever fails is tried again, later each time, by the lane that calls this."""

import json
from typing import Any

import httpx
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from seatrial.control.errors import ControlError
from seatrial.control.outbound import client
from seatrial.control.policies.notices.addresses import checked
from seatrial.control.policies.notices.models import Notice
from seatrial.control.policies.notices.signing import headers

SECONDS = 10.0
MAX_PROBLEM = 500


class NotDelivered(ControlError):
    """An address did not take a notice."""

    code = "not_delivered"
    status = 502


def deliver(body: dict[str, str], **options: Any) -> None:
    """Send the notice, unless that is over. It may be sent twice: its id is the same. Raises NotDelivered.

    No redirect is followed, and what is answered is not read. `options` are those of the client.
    """
    notice = Notice.objects.select_related("subscription").filter(pk=body["notice"], over=False).first()
    if notice is None:
        return
    Notice.objects.filter(pk=notice.pk).update(attempts=F("attempts") + 1, tried_at=timezone.now())
    status = _sent(notice, **options)
    if not 200 <= status < 300:
        Notice.objects.filter(pk=notice.pk).update(status=status)
        raise NotDelivered(f"It answered {status}.")
    Notice.objects.filter(pk=notice.pk).update(status=status, problem="", over=True)


def waits(body: dict[str, str], why: str) -> None:
    """Note why the last attempt failed."""
    Notice.objects.filter(pk=body["notice"]).update(problem=why[:MAX_PROBLEM])


def given_up(body: dict[str, str], why: str) -> None:
    """There will be no other attempt, unless somebody asks for one."""
    Notice.objects.filter(pk=body["notice"]).update(problem=why[:MAX_PROBLEM], over=True)


def _sent(notice: Notice, **options: Any) -> int:
    row = notice.subscription
    content = json.dumps({**notice.body, "timestamp": notice.created_at.isoformat()}).encode()
    signed = headers(row.secret, identity=notice.pk, seconds=int(timezone.now().timestamp()), body=content)
    try:
        checked(row.url)
        with (
            client(settings.CONFIGURATION, timeout=SECONDS, **options) as sender,
            sender.stream("POST", row.url, content=content, headers=signed) as answer,
        ):
            return answer.status_code
    except ControlError as error:  # of the guard, which names the host and why, or of the check
        raise NotDelivered(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Not the error's text: it may quote the address, which may hold a secret
        raise NotDelivered(f"It cannot be reached ({type(error).__name__}).") from error
