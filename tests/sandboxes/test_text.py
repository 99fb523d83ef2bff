"""Files are text to policies whatever their encoding, and binary files are not."""

import struct

import pytest

from seatrial.agent.sandboxes.text import readable
from seatrial.agent.sandboxes.validation import clean

SCRIPT = '$token = "caf\u00e9"\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_script_reads_the_same_in_every_encoding(encoding: str) -> None:
    assert readable(SCRIPT.encode(encoding)) == SCRIPT
    assert readable((SCRIPT * 1000).encode(encoding)) == SCRIPT * 1000


@pytest.mark.parametrize(
    "blob",
    [
        b"\0",
        b"\0\1",
        b"\x7fELF\2\1\1" + bytes(64),
        struct.pack("<64H", *range(64)),
        struct.pack(">64I", *range(1000, 1064)),
        bytes(100),
        b"text\0and more",
        "a\0b".encode("utf-16-le"),
    ],
)
def test_what_is_binary_stays_binary(blob: bytes) -> None:
    assert readable(blob) == {"unreadable": "a binary file"}


def test_text_in_other_bytes_and_no_file_at_all() -> None:
    assert readable(b"\xe9t\xe9") == "\ufffdt\ufffd"
    assert readable(b"") == "" and readable(None) is None


def test_a_name_that_is_not_utf8_is_shown_with_replacement_characters() -> None:
    assert clean("big\udcfe/\0x.bin \N{SAILBOAT}", 100) == "big\ufffd/\ufffdx.bin \N{SAILBOAT}"
