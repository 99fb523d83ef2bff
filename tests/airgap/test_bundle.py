"""The operator's CA bundle: whatever is at its path, there is a sentence for it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.control import start
from seatrial.control.airgap import bundle
from seatrial.control.airgap.errors import UnfitBundle
from seatrial.control.airgap.findings import Mark
from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.configuration import read_configuration
from seatrial.control.start import CannotStart, refuse_unfit
from tests.airgap.authorities import DAY, NOW, Made, of_server
from tests.airgap.conftest import configuration
from tests.examples import examples

Prepare = Callable[[Path, Made], object]


def lines(**values: object) -> list[str]:
    return [finding.line for finding in bundle.of_requests(configuration(**values))]


def unreadable(path: Path, root: Made) -> None:
    path.write_bytes(root.pem)
    path.unlink()
    os.mkfifo(path)  # root may read every file; nobody reads this one


MISTAKES: list[tuple[str, Prepare, str]] = [
    (
        "missing",
        lambda path, root: None,
        "is not readable inside the container. Check the path for quotes and blanks",
    ),
    (
        "a directory",
        lambda path, root: path.mkdir(),
        "is not readable inside the container. It is a directory: when the file",
    ),
    (
        "no file",
        unreadable,
        "is not readable inside the container. It is there, but this program may not read it",
    ),
    ("empty", lambda path, root: path.touch(), "is zero bytes"),
    ("binary", lambda path, root: path.write_bytes(os.urandom(500)), "holds no certificate as PEM"),
    (
        "a server's",
        lambda path, root: path.write_bytes(of_server(root).pem),
        "is the certificate of a server (CA:FALSE)",
    ),
    ("half", lambda path, root: path.write_bytes(root.pem[:300]), "holds a certificate that cannot be read"),
]


@pytest.mark.parametrize(
    ("prepare", "said"), [rest for _, *rest in MISTAKES], ids=[name for name, *_ in MISTAKES]
)
def test_setup_ends_with_what_is_wrong_and_the_smoke_test_goes_on(
    prepare: Prepare, said: str, tmp_path: Path, root: Made
) -> None:
    path = tmp_path / "ca.pem"
    prepare(path, root)
    with pytest.raises(UnfitBundle) as refused:
        bundle.required(configuration(gitgrit_custom_ca_file_path=path))
    assert str(path) in str(refused.value) and said in str(refused.value)
    found = lines(requests_ca_bundle=path)
    assert found[-1].startswith("FAIL  ") and str(path) in found[-1]
    assert [line for line in found if line.startswith("FAIL")] == found[-1:], "one mistake is one line"


def test_unset_is_refused_by_setup_and_a_warning_of_the_smoke_test() -> None:
    with pytest.raises(
        UnfitBundle,
        match=r"^GITGRIT_CUSTOM_CA_FILE_PATH is not set\. Set it in \.env .* See docs/install/airgapped\.md$",
    ):
        bundle.required(configuration())
    assert lines() == [
        "WARN  REQUESTS_CA_BUNDLE is not set: requests trust the container's own trust store, which usually lacks your authorities"
    ]


def test_a_bundle_is_told_with_its_size_and_what_is_in_it(trusted: Path, root: Made) -> None:
    size, until = len(root.pem), f"{NOW + 365 * DAY:%Y-%m-%d}"
    found = bundle.required(configuration(gitgrit_custom_ca_file_path=trusted))
    assert (found.path, found.size, found.read.authorities) == (trusted, size, 1)
    assert lines(requests_ca_bundle=trusted) == [
        f"OK    REQUESTS_CA_BUNDLE={trusted} ({size} bytes)",
        f"OK    {trusted} holds 1 certificate, 1 of authorities that can be used, valid until {until}",
    ]
    assert lines(gitgrit_custom_ca_file_path=trusted) == [
        f"WARN  REQUESTS_CA_BUNDLE is not set: requests trust the system's authorities and those in {trusted}",
        f"OK    {trusted} holds 1 certificate, 1 of authorities that can be used, valid until {until}",
    ]


def test_one_that_expires_soon_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Made(ends=NOW + 5 * DAY).pem)
    *_, last = bundle.of_requests(configuration(requests_ca_bundle=tmp_path / "ca.pem"))
    assert last.mark is Mark.WARN and "within 30 days" in last.text


@settings(max_examples=examples(15))
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_path_is_a_sentence(text: str) -> None:
    with pytest.raises(UnfitBundle):
        bundle.required(configuration(gitgrit_custom_ca_file_path=Path(f"/nowhere/{text}")))


def test_a_path_that_no_file_can_have_is_a_sentence() -> None:
    with pytest.raises(UnfitAuthorities, match="cannot be read: embedded null byte"):
        trusting(Path("/nowhere/\0"))


@pytest.mark.parametrize("variable", ["GITGRIT_CUSTOM_CA_FILE_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_settings_are_read_with_a_bundle_that_is_not_there_and_no_process_serves_with_it(
    variable: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    settings.CONFIGURATION = read_configuration()  # which the fixture takes back
    monkeypatch.setattr(start, "_vault_problems", list)  # there is no database
    with pytest.raises(
        CannotStart, match=r"(?m)^GITGRIT_CUSTOM_CA_FILE_PATH: /nowhere/ca.pem cannot be read: No such file"
    ):
        refuse_unfit()
