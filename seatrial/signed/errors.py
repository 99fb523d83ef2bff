"""What can be wrong with a signed statement.

SignedError
├── NoEnvelope     it is no DSSE envelope, or holds no statement of ours
├── NoKey          a file holds no public key that fits
├── OtherKey       it was signed with a key that is not among those given
└── NotGenuine     it was changed since it was signed
"""


class SignedError(Exception):
    """A signed statement proves nothing."""


class NoEnvelope(SignedError):
    """It is no DSSE envelope, or holds no statement of ours."""


class NoKey(SignedError):
    """There is no public key that fits."""


class OtherKey(SignedError):
    """It was signed with another key."""


class NotGenuine(SignedError):
    """It was changed since it was signed."""
