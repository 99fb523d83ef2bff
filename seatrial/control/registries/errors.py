"""What can go wrong when somebody decides about registry logins.

RegistryLoginError
├── BadRegistryLogin        a registry, user name, password or tier that cannot be; nothing was saved
├── TooManyRegistryLogins   more than a scope may have; nothing was saved
└── NoRegistryLogin         there is none for that registry to remove
"""

from seatrial.control.errors import ControlError


class RegistryLoginError(ControlError):
    """It was not done."""

    code = "registry_login_error"
    status = 400


class BadRegistryLogin(RegistryLoginError):
    """`field`: registry, username, password or tier."""

    code = "bad_registry_login"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TooManyRegistryLogins(RegistryLoginError):
    """The bound is `entries.MOST_LOGINS`."""

    code = "too_many_registry_logins"


class NoRegistryLogin(RegistryLoginError):
    """No such login is set."""

    code = "no_registry_login"
    status = 404
