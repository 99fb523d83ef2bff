"""Has the ingress ask its authority again where nothing was issued.

Traefik asks at its start and whenever its configuration changes, and otherwise never again: on a quiet install a provider that was
away for a minute would cost the certificate for days. So a file beside the routes changes, in a name that nothing uses.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from seatrial.control.certificates.models import Served
from seatrial.control.certificates.states import CertificateState, state_of
from seatrial.files import replace

ASKED = "asked.yml"  # beside the routes, where Traefik looks
PAUSE = timedelta(hours=1)  # authorities shut out who fails five times in an hour


def ask_again(routes: Path, rows: Iterable[Served], now: datetime) -> bool:
    """Have Traefik ask once more if one of these has waited for an hour since it began to, or since this was done last."""
    begun = [row.since for row in rows if state_of(row, now) is CertificateState.PENDING]
    if not begun or now - max(min(begun), _last(routes.parent / ASKED)) < PAUSE:
        return False
    header = {"customResponseHeaders": {"X-Galley-Asked": now.isoformat()}}
    document = {"http": {"middlewares": {"galley-asked": {"headers": header}}}}
    replace(routes.parent / ASKED, json.dumps(document))
    return True


def _last(file: Path) -> datetime:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.min.replace(tzinfo=UTC)
