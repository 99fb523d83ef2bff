from pathlib import Path

import pytest

from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.bus_identity import BusIdentity, ensure
from seatrial.control.fleet.errors import IdentityBroken


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_a_moved_directory_is_followed_and_keeps_its_keys(tmp_path: Path) -> None:
    before = files(ensure(tmp_path / "here").directory)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = ensure(tmp_path / "there")
    after = files(moved.directory)
    assert {name for name in before if before[name] != after[name]} == {"nats-auth.conf"}
    written = moved.server_config.read_text()
    assert f'"{tmp_path}/there/jwt"' in written and str(tmp_path / "here") not in written
    assert moved.account_token.read_text() in written
    assert moved.server_config.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lost", ["operator.seed", "signing.seed"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_lost_seed_is_not_silently_made_anew(tmp_path: Path, lost: str, replaced: bool) -> None:
    identity = ensure(tmp_path)
    prefix = nats_jwt.OPERATOR if lost == "operator.seed" else nats_jwt.ACCOUNT
    (tmp_path / lost).unlink()
    if replaced:
        (tmp_path / lost).write_bytes(nats_jwt.new_seed(prefix))
    before = files(identity.directory)
    with pytest.raises(IdentityBroken, match=f"{tmp_path}/{lost} is .*Restore the whole directory"):
        ensure(tmp_path)
    assert files(identity.directory) == before
    if (lost, replaced) == ("operator.seed", True):
        with pytest.raises(IdentityBroken):
            identity.revoke("U" + "A" * 55)
    for path in (*tmp_path.glob("*.seed"), *tmp_path.glob("*.creds")):
        path.unlink()
    (tmp_path / "account.jwt").unlink()
    (tmp_path / "nats-auth.conf").unlink()
    assert ensure(tmp_path).can_revoke()  # what the message advises


def test_a_start_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "account.jwt").unlink()
    (tmp_path / "nats-auth.conf").unlink()
    identity: BusIdentity = ensure(tmp_path)
    claims = nats_jwt.claims_of(identity.account_token.read_text())
    assert claims["iss"] == nats_jwt.public_key(identity.operator_seed.read_bytes())
