"""The agent's identity: a NATS user key that signs in, an X25519 key that opens sealed values, and its credential."""

import base64
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nkeys
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from pydantic import BaseModel

from seatrial import files
from seatrial.agent.vocabulary.errors import AgentError

_CREDENTIALS = (
    "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
    "-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
)


class SealedValueError(AgentError):
    """A value was sealed to another agent's key, or damaged."""


class Credential(BaseModel):
    """The result of registration; kept as long as the data directory."""

    agent: str
    name: str
    nats_url: str
    user_jwt: str
    token_sha256: str = ""  # of the bootstrap token that was exchanged for it; empty: not known


@dataclass(frozen=True)
class Identity:
    """Keys generated here that never leave `directory` (mode 0700, files 0600)."""

    directory: Path
    public_key: str
    seal_key: str

    @classmethod
    def load(cls, directory: Path) -> "Identity":
        """Read the keys; generate them the first time."""
        if not directory.exists() and (successor := _successor(directory)).exists():
            successor.rename(directory)  # the agent died during the takeover
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        seed = _read_or_make(directory / "user.seed", _new_seed)
        seal = _read_or_make(directory / "seal.key", lambda: base64.b64encode(bytes(PrivateKey.generate())))
        public = nkeys.from_seed(bytearray(seed)).public_key.decode()
        sealing = PrivateKey(base64.b64decode(seal)).public_key
        return cls(directory, public, base64.b64encode(bytes(sealing)).decode())

    @property
    def credentials_file(self) -> Path:
        """The NATS .creds file; it exists once the agent is registered."""
        return self.directory / "agent.creds"

    def credential(self) -> Credential | None:
        """The result of registration; None before it."""
        path = self.directory / "credential.json"
        if not path.exists() or not self.credentials_file.exists():
            return None
        return Credential.model_validate_json(path.read_bytes())

    def keep(self, credential: Credential) -> None:
        """Store the credential so that the bootstrap token is not needed again."""
        seed = (self.directory / "user.seed").read_text()
        _write(self.credentials_file, _CREDENTIALS.format(jwt=credential.user_jwt, seed=seed).encode())
        _write(self.directory / "credential.json", credential.model_dump_json().encode())

    def successor(self) -> "Identity":
        """New keys beside the current ones, for a new registration."""
        return Identity.load(_successor(self.directory))

    def succeeded_by(self, successor: "Identity") -> "Identity":
        """Replace this identity by `successor`, which has its credential."""
        former = self.directory.with_name(f"{self.directory.name}.old")
        shutil.rmtree(former, ignore_errors=True)
        self.directory.rename(former)
        successor.directory.rename(self.directory)
        shutil.rmtree(former)
        return Identity.load(self.directory)

    def unseal(self, sealed: str) -> bytes:
        """Open a base64 sealed box; empty stays empty. Raises SealedValueError."""
        if not sealed:
            return b""
        key = PrivateKey(base64.b64decode((self.directory / "seal.key").read_bytes()))
        try:
            opened: bytes = SealedBox(key).decrypt(base64.b64decode(sealed))
        except (CryptoError, ValueError) as error:
            raise SealedValueError("a value was not sealed to this agent's key") from error
        return opened


def _successor(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.new")


def _new_seed() -> bytes:
    return bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        _write(path, make())
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    files.replace(path, content, mode=0o600, lasting=True)
