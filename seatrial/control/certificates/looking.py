"""Looks at each certificate that the ingress serves, and stores what it saw."""

from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.utils import timezone

from seatrial.control.authorities import UnfitAuthorities
from seatrial.control.certificates import notes
from seatrial.control.certificates.again import ask_again
from seatrial.control.certificates.handshake import NotServed, Seen, look
from seatrial.control.certificates.models import Served, Source
from seatrial.control.certificates.naming import asked_for, wanted
from seatrial.control.certificates.states import CertificateState, state_of
from seatrial.control.configuration import Configuration
from seatrial.control.outbound import Guard, MetadataAddress

log = structlog.get_logger(__name__)


def look_at_all() -> None:
    """Look at every name of the install; names that it no longer has are forgotten. Blocks for seconds if the ingress is away.

    Any number of workers may: each stores what it saw, and the newest stays.
    """
    configuration = settings.CONFIGURATION
    names = wanted(configuration) if configuration.galley_ingress_url else []
    Served.objects.exclude(name__in=names).delete()
    for name in names:
        _look_at(name, names, configuration)
    if configuration.galley_routes_file and ask_again(
        configuration.galley_routes_file, Served.objects.all(), timezone.now()
    ):
        log.info("certificate asked for again")


def _look_at(name: str, names: list[str], configuration: Configuration) -> None:
    now = timezone.now()
    before = Served.objects.filter(name=name).first()
    row = before or Served(name=name, since=now)
    was = state_of(row, now)
    row.source, row.looked_at, row.unanswered = source_of(configuration), now, ""
    try:
        _take(row, look(_ingress(configuration), asked_for(name), configuration.authorities), now)
    except (NotServed, UnfitAuthorities) as error:
        row.unanswered = str(error)[:255]
    row.said = _said(row, [other for other in names if other != name], configuration)
    row.save()
    if before is None or was != state_of(row, now):
        log.info(
            "certificate",
            name=name,
            state=state_of(row, now).value,
            issuer=row.issuer,
            until=str(row.not_after),
        )


def _ingress(configuration: Configuration) -> tuple[str, int]:
    """Its address, checked like that of every request. Raises NotServed."""
    where = urlsplit(configuration.galley_ingress_url)
    host = where.hostname or ""
    try:
        return Guard(configuration, [configuration.galley_ingress_url]).addresses(host)[0], where.port or 443
    except (OSError, UnicodeError, MetadataAddress) as error:
        raise NotServed(f"GALLEY_INGRESS_URL: {host}: {error}") from error


def _take(row: Served, seen: Seen, now: datetime) -> None:
    # One of its own is made anew at every start of Traefik: still the same wait.
    if row.fingerprint != seen.fingerprint and not (row.is_stopgap and seen.is_stopgap):
        row.since = now
    for name, value in asdict(seen).items():
        setattr(row, name, list(value) if name == "names" else value)


def source_of(configuration: Configuration) -> Source:
    """One's own goes before what an authority issues."""
    if configuration.galley_tls_dir:
        return Source.OWN
    return Source.ACME if configuration.galley_acme_provider else Source.NONE


def _said(row: Served, others: list[str], configuration: Configuration) -> str:
    if row.source == Source.OWN:
        return " ".join(notes.of_own(configuration.galley_ingress_notes))
    if state_of(row, timezone.now()) in {CertificateState.VALID, CertificateState.UNTRUSTED}:
        return ""
    begun = datetime.min.replace(tzinfo=UTC) if row.is_stopgap else (row.not_before or row.since)
    return notes.of_ingress(configuration.galley_ingress_notes, row.name, others, begun)
