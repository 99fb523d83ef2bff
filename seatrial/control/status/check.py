"""One thing that has to work, as the health page, REST and `seatrial doctor` show it."""

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What a check is about. REST says these words, and scripts choose by them."""

    DATABASE = "database"
    SCHEMA = "schema"
    MESSAGES = "messages"
    BUS = "bus"
    QUEUE = "queue"
    ADDRESS = "address"
    AUTHORITIES = "authorities"
    SIGN_IN = "sign_in"
    SECRETS = "secrets"
    AUDIT = "audit"
    TOKEN = "token"  # noqa: S105  a word
    CERTIFICATE = "certificate"
    AGENT = "agent"
    RELEASE = "release"
    SANDBOX = "sandbox"
    HOST = "host"
    CLOCK = "clock"
    WEBHOOKS = "webhooks"
    CREDENTIAL = "credential"
    BUDGET = "budget"


@dataclass(frozen=True)
class Check:
    """One line. What is not `well` has its fix; if it is `grave`, something does not work.

    `subject` is the id of the agent or connection, or the name of the certificate, that it is about; empty: this server.
    """

    about: About
    well: bool
    text: str
    fix: str = ""  # several lines are commands, of which each needs the one before
    grave: bool = True
    subject: str = ""

    @property
    def advice(self) -> str:
        """The fix in one line."""
        return " && ".join(self.fix.splitlines())
