"""What only the owner of the database can do: change the log behind the back of its triggers."""

from django.db import connection

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.sealing import seal
from seatrial.control.audit.services import record


def tamper(*statements: str) -> None:
    """Run SQL with all triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def sealed(number: int) -> list[AuditEntry]:
    """So many entries, each in the chain."""
    entries = [record("project.change", f"project/{n}", by=SYSTEM, details={"n": n}) for n in range(number)]
    seal()
    return entries
