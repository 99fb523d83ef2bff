"""What only the instance admin sees: certificates in their states. Used by the tests in a browser and by scripts/screenshots."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.certificates.models import Served
from tests import factories as make

REFUSED = "unable to generate a certificate for the domains [*.preview.example.com]: dns01: error presenting token: cloudflare: 403"


def certificates() -> str:
    """Make them, and the instance admin; returns the name to sign in with."""
    now = timezone.now()
    for name, facts in {
        "galley.example.com": {},
        "*.preview.example.com": {"is_stopgap": True, "names": [], "said": REFUSED},
        "expiring.example.com": {"not_after": now + timedelta(days=6, hours=1)},
        "waiting.example.com": {"is_stopgap": True, "names": []},
        "away.example.com": {"unanswered": "no TLS at 127.0.0.1:443 (Connection refused)"},
        f"long.{'x' * 60}.example.com": {
            "names": [f"{'y' * 60}.{number}.example.com" for number in range(5)]
        },
    }.items():
        usual = {"source": "acme", "looked_at": now, "since": now, "fingerprint": "f" * 64, "issuer": "R11", "names": [name],
                 "not_before": now - timedelta(days=30), "not_after": now + timedelta(days=60, hours=1)}  # fmt: skip
        Served.objects.create(name=name, **{**usual, **facts})
    return make.user("root", is_superuser=True).username
