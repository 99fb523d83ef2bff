"""Errors of the vault. None of their messages ever holds a key, a secret or a ciphertext.

VaultError
├── UnfitMasterKey  GALLEY_MASTER_KEY is missing or not 32 bytes: refuse to start
├── WrongMasterKey  it is a key, but not the one this database was sealed with: refuse to start
└── Unopenable      one sealed value is damaged, or was moved here from another row
"""


class VaultError(Exception):
    """A secret cannot be sealed or opened."""


class UnfitMasterKey(VaultError):
    """GALLEY_MASTER_KEY is missing, malformed or too short."""


class WrongMasterKey(VaultError):
    """GALLEY_MASTER_KEY is not the key this database was sealed with."""


class Unopenable(VaultError):
    """A sealed value is damaged, or belongs to another row or column."""
