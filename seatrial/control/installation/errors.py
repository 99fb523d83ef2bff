"""Why a process of the control plane cannot begin its work: each message says what is wrong, where, and the fix.

InstallationError
├── NoDatabase         the database did not answer in time
├── DatabaseRefuses    it answers, but lets us not in: password, name of the user or of the database
├── TwoDatabases       its name leads to the servers of two installations
├── NewerSchema        a later release has written the database's schema
└── UnfitPreset        a value preset for the first data cannot be used
"""

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


class UnfitPreset(InstallationError):
    """A password or token preset in the environment is not fit to be used."""

    code = "unfit_preset"
