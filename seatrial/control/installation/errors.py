"""Why a process of the control plane cannot begin its work: each message says what is wrong, where, and the fix.

InstallationError
├── NoDatabase         the database did not answer in time
├── DatabaseRefuses    it answers, but lets us not in: password, name of the user or of the database
├── TwoDatabases       its name leads to the servers of two installations
├── NewerSchema        a later release has written the database's schema
├── CannotBackUp       the database cannot be backed up, so it is not upgraded
├── MigrationFailed    a migration failed; `backup` is the database as it was, if there is one
└── UnfitPreset        a value preset for the first data cannot be used
"""

from pathlib import Path

from seatrial.control.errors import ControlError


class InstallationError(ControlError):
    """This process cannot begin its work."""

    code = "installation_error"
    status = 503


class NoDatabase(InstallationError):
    """The database did not answer in time. It may yet."""

    code = "no_database"


class DatabaseRefuses(InstallationError):
    """The database's server answers and refuses us; that does not pass by itself."""

    code = "database_refuses"


class TwoDatabases(InstallationError):
    """The database's name leads to more than one server, and they are not the same database."""

    code = "two_databases"


class NewerSchema(InstallationError):
    """The database has migrations that this release does not know."""

    code = "newer_schema"


class CannotBackUp(InstallationError):
    """The database could not be backed up. It was not changed."""

    code = "cannot_back_up"


class MigrationFailed(InstallationError):
    """One migration failed and left nothing; those before it are there."""

    code = "migration_failed"

    def __init__(self, message: str, backup: Path | None) -> None:
        super().__init__(message)
        self.backup = backup


class UnfitPreset(InstallationError):
    """A password or token preset in the environment is not fit to be used."""

    code = "unfit_preset"
