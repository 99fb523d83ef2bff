"""The bus's own identity: the keys that sign accounts and users, and the files made of them.

Uses no database, because it runs before there is one.

All files are in one directory, each with mode 0600. The seeds (*.seed) are the originals; the other files are derived
from them, and written again when they are missing. nats-auth.conf contains the directory's path, so it is also written
again when the directory was moved. Back up the directory like the master key: without it, every agent must join again.

| file             | what it is                                            | who needs it         |
|------------------|-------------------------------------------------------|----------------------|
| operator.seed    | signs accounts                                        | revocation (worker)  |
| system.seed      | the system account                                    | nobody after `ensure`|
| signing.seed     | the account everything runs in; signs agents' tokens  | web (registration)   |
| control.creds    | the control plane's user in that account              | web, worker          |
| system.creds     | a user of the system account                          | revocation (worker)  |
| account.jwt      | the account's token, with the revoked users           | revocation (worker)  |
| nats-auth.conf   | `include` it in the server's configuration            | nats-server          |
| jwt/             | the server's own store of account tokens              | nats-server          |
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.errors import IdentityBroken

ACCOUNT_NAME = "seatrial"
SYSTEM_ACCOUNT_NAME = "SYS"


@dataclass(frozen=True)
class BusIdentity:
    """The paths of the files in the module's table."""

    directory: Path

    @property
    def server_config(self) -> Path:
        """To be `include`d in the server's configuration."""
        return self.directory / "nats-auth.conf"

    @property
    def control_credentials(self) -> Path:
        """GALLEY_NATS_CREDENTIALS of web and worker."""
        return self.directory / "control.creds"

    @property
    def signing_seed(self) -> Path:
        """GALLEY_NATS_SIGNING_SEED of web and worker."""
        return self.directory / "signing.seed"

    @property
    def operator_seed(self) -> Path:
        """Signs accounts."""
        return self.directory / "operator.seed"

    @property
    def system_seed(self) -> Path:
        """The system account's own seed."""
        return self.directory / "system.seed"

    @property
    def system_credentials(self) -> Path:
        """A user of the system account: may replace account tokens in a running server."""
        return self.directory / "system.creds"

    @property
    def account_token(self) -> Path:
        """The account's newest token."""
        return self.directory / "account.jwt"

    def can_revoke(self) -> bool:
        """True when everything revocation needs is here (an external bus may keep it elsewhere)."""
        return all(p.exists() for p in (self.operator_seed, self.system_credentials, self.account_token))

    def revoke(self, user_key: str) -> str:
        """Void every token of `user_key` made until now and return the account's new token.

        The new token is stored for the server's next start; a running server must be sent it
        (`$SYS.REQ.CLAIMS.UPDATE`). Idempotent. Raises IdentityBroken when the operator's seed is not the one that
        signed the account's token: a server would acknowledge the new token, but ignore it.
        """
        claims = nats_jwt.claims_of(self.account_token.read_text())
        _belongs(self.operator_seed, claims["iss"])
        revocations: dict[str, int] = claims["nats"].get("revocations", {})
        revocations[user_key] = int(time.time())
        token = nats_jwt.account(
            self.operator_seed.read_bytes(),
            claims["sub"],
            ACCOUNT_NAME,
            jetstream=True,
            revocations=revocations,
        )
        _write(self.account_token, token)
        _write(self.server_config, _server_config(self))
        return token


def ensure(directory: Path) -> BusIdentity:
    """Make the identity, or complete the one that is there. Safe after a crash at any point.

    Raises IdentityBroken when the account's token is there but a seed that it was made with is not: with a new seed all
    would seem well until the first revocation.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = BusIdentity(directory.resolve())
    if identity.account_token.exists():
        claims = nats_jwt.claims_of(identity.account_token.read_text())
        _belongs(identity.operator_seed, claims["iss"])
        _belongs(identity.signing_seed, claims["sub"])
    _once(identity.operator_seed, lambda: nats_jwt.new_seed(nats_jwt.OPERATOR).decode())
    _once(identity.system_seed, lambda: nats_jwt.new_seed(nats_jwt.ACCOUNT).decode())
    _once(identity.signing_seed, lambda: nats_jwt.new_seed(nats_jwt.ACCOUNT).decode())
    _once(identity.control_credentials, lambda: _user(identity.signing_seed, "control"))
    _once(identity.system_credentials, lambda: _user(identity.system_seed, "system"))
    _once(identity.account_token, lambda: _account(identity))
    _once(identity.server_config, lambda: _server_config(identity))
    if _resolver(identity) not in identity.server_config.read_text():
        _write(identity.server_config, _server_config(identity))
    return identity


def _belongs(seed: Path, key: str) -> None:
    if not seed.exists() or nats_jwt.public_key(seed.read_bytes().strip()) != key:
        state = "is not the one" if seed.exists() else "is missing: it is the seed"
        raise IdentityBroken(
            f"{seed} {state} that {seed.parent / 'account.jwt'} was made with. Restore the whole directory from a "
            f"backup; or remove account.jwt, nats-auth.conf, jwt/, *.seed and *.creds there, and every agent joins anew"
        )


def _user(account_seed: Path, name: str) -> str:
    seed = nats_jwt.new_seed(nats_jwt.USER)
    token = nats_jwt.user(account_seed.read_bytes(), nats_jwt.public_key(seed), name)
    return nats_jwt.credentials(token, seed)


def _account(identity: BusIdentity) -> str:
    key = nats_jwt.public_key(identity.signing_seed.read_bytes())
    return nats_jwt.account(identity.operator_seed.read_bytes(), key, ACCOUNT_NAME, jetstream=True)


def _server_config(identity: BusIdentity) -> str:
    operator_seed = identity.operator_seed.read_bytes()
    account_key = nats_jwt.public_key(identity.signing_seed.read_bytes())
    system_key = nats_jwt.public_key(identity.system_seed.read_bytes())
    system = nats_jwt.account(operator_seed, system_key, SYSTEM_ACCOUNT_NAME, jetstream=False)
    return (
        f"operator: {nats_jwt.operator(operator_seed, system_key)}\n"
        f"system_account: {system_key}\n"
        f"{_resolver(identity)}\n"
        f"resolver_preload: {{\n  {account_key}: {identity.account_token.read_text()}\n  {system_key}: {system}\n}}\n"
    )


def _resolver(identity: BusIdentity) -> str:
    """`full` keeps tokens on disk and takes new ones while running, which revocation needs."""
    store = str(identity.directory / "jwt").replace("\\", "\\\\").replace('"', '\\"')
    return f'resolver: {{ type: full, dir: "{store}", allow_delete: true, interval: "2m" }}'


def _once(path: Path, content: Callable[[], str]) -> None:
    if not path.exists():
        _write(path, content())


def _write(path: Path, content: str) -> None:
    files.replace(path, content, mode=0o600, lasting=True)
