"""Errors of the vault. Their messages never hold a key, a secret or a ciphertext; they may name a key by its id.

VaultError
├── UnfitMasterKey      the master key is missing or not 32 bytes: refuse to start
├── WrongMasterKey      it is a key, but not the one this database was sealed with: refuse to start
├── UnprovenMasterKey   the value to check the key with is damaged: refuse to start
├── StaleKeys           secrets are sealed with a key that this process does not have: restart it
├── WithoutRow          a secret was set or read where its row is not known: a bug
└── Unopenable          one sealed value
    ├── NotSealed       not an envelope, or one of a later release
    ├── UnknownKey      sealed with a master key that this process does not have
    ├── WrongKey        of version 1, which names no key, and no key of this process opens it
    ├── WrongRow        sealed for another row or column
    └── Damaged         changed since it was written
"""

from collections.abc import Sequence

from seatrial.control.errors import ControlError


class VaultError(ControlError):
    """A secret cannot be sealed or opened."""

    code = "vault_error"


class UnfitMasterKey(VaultError):
    """The master key is missing, malformed or too short."""


class WrongMasterKey(VaultError):
    """The master key is not the key this database was sealed with; `sealed_with` is that key's id, where it is known."""

    def __init__(self, message: str, *, sealed_with: str) -> None:
        super().__init__(message)
        self.sealed_with = sealed_with


class UnprovenMasterKey(VaultError):
    """The master key cannot be checked: the check value in the database is not as we wrote it."""


class StaleKeys(VaultError):
    """This process was started before the master key was rotated."""

    def __init__(self, key_id: str, variable: str) -> None:
        super().__init__(
            f"Secrets are sealed with the master key {key_id} by now, which this process does not have: the key was rotated. Set "
            f"{variable} as on the other processes, and restart this one."
        )


class WithoutRow(VaultError):
    """A secret belongs to a row, and here the row is not known."""


class Unopenable(VaultError):
    """One sealed value cannot be opened."""


class NotSealed(Unopenable):
    """Not an envelope of this release."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: not sealed, or sealed by a later release. Run that release, or set the secret again."
        )


class UnknownKey(Unopenable):
    """The envelope names a key that this process does not have."""

    def __init__(self, where: str, key_id: str, variable: str, ids: Sequence[str]) -> None:
        super().__init__(
            f"{where}: sealed with the master key {key_id}, and there is only {', '.join(ids)}. "
            f"Set {variable} to the key it was sealed with, or set the secret again."
        )
        self.key_id = key_id


class WrongKey(Unopenable):
    """No key opens it. More is not known, because envelopes of version 1 name no key."""

    def __init__(self, where: str, variable: str, ids: Sequence[str]) -> None:
        super().__init__(
            f"{where}: the master key {', '.join(ids)} does not open it: another {variable} sealed it, or it "
            "was damaged or moved. Set the key it was sealed with, or set the secret again."
        )


class WrongRow(Unopenable):
    """Sealed for another row or column."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: what is stored here was sealed for another row or column. Set the secret again."
        )


class Damaged(Unopenable):
    """Changed since it was written."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}: damaged. Restore the row from a backup, or set the secret again.")
