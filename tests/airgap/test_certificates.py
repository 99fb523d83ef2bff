"""A CA bundle is read, and what in it cannot do its work is named with the fix."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.control.airgap.certificates import read
from seatrial.control.airgap.errors import UnfitBundle
from tests.airgap.authorities import DAY, ISSUES, NOW, Made, of_server, usage
from tests.examples import examples

ROOT = Made()


def test_a_chain_is_counted() -> None:
    found = read(
        Made("Acme Issuing", issuer=ROOT).pem + b"\n# the root\r\n" + ROOT.pem.replace(b"\n", b"\r\n")
    )
    assert (found.certificates, found.authorities, found.complaints) == (2, 2, [])
    assert (
        found.summary
        == f"2 certificates, 2 of authorities that can be used, valid until {NOW + 365 * DAY:%Y-%m-%d}"
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            of_server(ROOT),
            r"'CN=gitlab.acme.test' is the certificate of a server \(CA:FALSE\), not of an authority",
        ),
        (
            Made("s", issuer=ROOT, ca=None, uses=None),
            "is the certificate of a server .it lacks basicConstraints",
        ),
        (
            Made(ca=None, uses=None),
            "lacks the extension basicConstraints: it is no authority. Make it anew with",
        ),
        (Made(uses=usage(digital_signature=True)), "its keyUsage lacks keyCertSign"),
        (
            Made(begins=NOW + DAY),
            "is not valid before .* UTC. If that is not so, the clock of this host is off",
        ),
        (Made(begins=NOW - 9 * DAY, ends=NOW - DAY), "expired on .* the clock of this host is off"),
    ],
)
def test_what_issues_nothing_that_is_accepted_is_named(made: Made, said: str) -> None:
    with pytest.raises(UnfitBundle, match=said):
        read(made.pem)
    beside = read(made.pem + ROOT.pem)
    assert (beside.certificates, beside.authorities) == (2, 1)
    assert len(beside.complaints) == 1, "beside one that can be used, it is only pointed out"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Made(uses=None).pem, "lacks the extension keyUsage, and strict clients refuse"),
        (Made(ends=NOW + 20 * DAY).pem, "expires on .*within 30 days"),
        (ROOT.pem + ROOT.key_pem, "a private key is in the file"),
    ],
)
def test_what_works_only_for_some_or_not_for_long_is_pointed_out(content: bytes, said: str) -> None:
    [complaint] = read(content).complaints
    assert said.split(".*", maxsplit=1)[0] in complaint and said.rsplit(".*", maxsplit=1)[-1] in complaint


def test_many_complaints_are_counted() -> None:
    complaints = read(b"".join(Made(f"a{n}", uses=None).pem for n in range(8))).complaints
    assert len(complaints) == 6 and complaints[-1] == "3 more of the kind"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ROOT.der, "is a certificate in binary form. Convert it: openssl x509 -inform der"),
        (b"  \n", "holds no certificate as PEM"),
        (ROOT.pem.decode().encode("utf-16"), "holds no certificate as PEM"),
        (ROOT.key_pem, "holds no certificate as PEM"),
        (ROOT.pem[:200], "holds a certificate that cannot be read"),
        (ROOT.pem.replace(b"MII", b"MIJ"), "holds a certificate that cannot be read"),
    ],
)
def test_what_is_no_bundle_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(UnfitBundle, match=said):
        read(content)


@settings(max_examples=examples(12))
@given(st.binary(max_size=400), st.integers(0, 600), st.binary(max_size=20))
def test_nothing_in_a_file_is_a_traceback(junk: bytes, at: int, inserted: bytes) -> None:
    whole = ROOT.pem
    for content in (junk, whole + junk, junk + whole, whole[:at] + inserted + whole[at:]):
        try:
            assert read(content).authorities >= 1
        except UnfitBundle as error:
            assert str(error)


def test_an_authority_may_do_more_than_issue() -> None:
    assert read(Made(uses=usage(**ISSUES, digital_signature=True)).pem).complaints == []
