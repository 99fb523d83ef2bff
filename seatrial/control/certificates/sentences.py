"""What a person is told of a certificate: one sentence, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatrial.control.certificates.models import Served, Source
from seatrial.control.certificates.states import PATIENCE, CertificateState, state_of
from seatrial.wire.counted import counted

AGAIN = "let Traefik try again: docker compose up -d --force-recreate traefik"
USUAL = (
    "A DNS-01 challenge takes 60 to 120 seconds with most registrars. Past a few minutes, docker compose logs traefik has the ACME "
    "error. The usual ones: a typo in the provider's variable in acme.env, such as CLOUDFLARE_DNS_API_TOKEN; a token whose scope is "
    "too narrow (Cloudflare: Zone:Read and DNS:Edit of the zone). What was wrong elsewhere is asked for again within the hour; after a "
    f"change of acme.env or .env, {AGAIN}"
)
REPLACE = "Put the new tls.crt and tls.key into GALLEY_TLS_DIR: they are served without a restart"
LOOK = "docker compose logs traefik says why it was not renewed"
NONE = "Set GALLEY_ACME_PROVIDER, or put a certificate of your own into GALLEY_TLS_DIR"
# What the ingress says in words alone, by a part that is the same for all providers, and the fix.
KNOWN = (
    ("unrecognized DNS provider", "GALLEY_ACME_PROVIDER is no provider that Traefik knows: correct it in .env"),
    ("credentials information are missing", "Put the provider's variables into acme.env, as they are named there"),
    ("x509: certificate signed by unknown authority", "Name the authority of GALLEY_ACME_SERVER in GITGRIT_CUSTOM_CA_FILE_PATH"),
    ("get directory at", "GALLEY_ACME_SERVER does not answer: correct it in .env, or open the way from this host to it"),
    ("error presenting token", "The DNS provider refused the record: correct the token in acme.env, or widen its scope (Cloudflare: Zone:Read and DNS:Edit of the zone)"),
    ("rateLimited", "The authority wants to be asked less often: wait as long as it says"),
    ("propagation", "The record was made, and the zone's servers did not show it in time: see whether acme.env names the zone that the domain is in"),
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """`well` needs nothing; what is `grave` keeps visitors out."""

    state: CertificateState
    text: str
    fix: str = ""
    grave: bool = False

    @property
    def well(self) -> bool:
        """Whether nothing need be done."""
        return self.state is CertificateState.VALID and not self.fix


def sentence(row: Served, now: datetime) -> Sentence:
    """Of this certificate, at this moment."""
    state = state_of(row, now)
    text, fix, grave = _WORDS[state](row, now)
    if row.source == Source.OWN and row.said:
        text, fix = f"{text}. {row.said.removesuffix('.')}", "The files are read again when they change"
    return Sentence(state, text, fix, grave)


def worrying(rows: Iterable[Served], now: datetime) -> list[Sentence]:
    """Of those that somebody should look after. One that was asked for just now is not among them."""
    said = [sentence(row, now) for row in rows]
    return [one for one in said if not one.well and (one.grave or one.state is not CertificateState.PENDING)]


Words = tuple[str, str, bool]


def _unseen(row: Served, now: datetime) -> Words:
    text = f"The certificate of {row.name} cannot be seen: {row.unanswered or 'nobody has looked yet'}"
    return text, "Look whether the ingress runs: docker compose ps traefik", True


def _pending(row: Served, now: datetime) -> Words:
    text = f"The certificate of {row.name} is pending: none was issued yet, so Traefik serves one of its own, and browsers warn"
    if row.said:
        return f"{text}. Traefik says: {row.said}", _known(row.said), True
    return text, USUAL, now - row.since > PATIENCE


def _self_signed(row: Served, now: datetime) -> Words:
    text = f"{row.name} has a certificate that Traefik made for itself, and browsers warn"
    if row.source == Source.OWN:
        return f"{text}: yours is not served", REPLACE, True
    return text, NONE, False


def _wrong_names(row: Served, now: datetime) -> Words:
    names = ", ".join(row.names[:5]) or "no name"
    fix = REPLACE if row.source == Source.OWN else USUAL
    return f"The certificate that {row.name} has is for {names}, so browsers refuse it", fix, True


def _expired(row: Served, now: datetime) -> Words:
    return (
        f"The certificate of {row.name} expired on {_day(row.not_after)}: browsers refuse it",
        _renew(row),
        True,
    )


def _not_yet_valid(row: Served, now: datetime) -> Words:
    text = f"The certificate of {row.name} is not valid before {row.not_before:%Y-%m-%d %H:%M} UTC"
    return text, "If that moment is past, the clock of this host is off: let it follow NTP", True


def _expiring(row: Served, now: datetime) -> Words:
    return (
        f"The certificate of {row.name} expires on {_day(row.not_after)}, in {_left(row, now)}",
        _renew(row),
        False,
    )


def _untrusted(row: Served, now: datetime) -> Words:
    text = f"The certificate of {row.name}, of {row.issuer}, does not lead to an authority that this server trusts ({row.mistrust})"
    fix = (
        "Put the certificates between it and the authority behind it in tls.crt; name an authority of your own in "
        "GITGRIT_CUSTOM_CA_FILE_PATH, and let browsers trust it"
    )
    return text, fix, False


def _valid(row: Served, now: datetime) -> Words:
    return (
        f"{row.name} has a certificate of {row.issuer} until {_day(row.not_after)}, for {_left(row, now)}",
        "",
        False,
    )


_WORDS = {
    CertificateState.UNSEEN: _unseen,
    CertificateState.PENDING: _pending,
    CertificateState.SELF_SIGNED: _self_signed,
    CertificateState.WRONG_NAMES: _wrong_names,
    CertificateState.EXPIRED: _expired,
    CertificateState.NOT_YET_VALID: _not_yet_valid,
    CertificateState.EXPIRING: _expiring,
    CertificateState.UNTRUSTED: _untrusted,
    CertificateState.VALID: _valid,
}


def _known(said: str) -> str:
    fix = next((fix for part, fix in KNOWN if part in said), "")
    return f"{fix}; then {AGAIN}" if fix else USUAL


def _renew(row: Served) -> str:
    if row.source != Source.ACME:
        return REPLACE
    return (
        f"Traefik should have renewed it, and says: {row.said}. {_known(row.said)}"
        if row.said
        else f"Traefik should have renewed it: {LOOK}"
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _left(row: Served, now: datetime) -> str:
    """In the unit that fits."""
    left = (row.not_after or now) - now
    if left >= timedelta(days=2):
        return counted(left.days, "day")
    if left >= timedelta(hours=2):
        return counted(int(left / timedelta(hours=1)), "hour")
    return counted(int(left / timedelta(minutes=1)), "minute")
