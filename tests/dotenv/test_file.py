"""The file of variables: read as Compose reads it, written so that nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.dotenv import file
from seatrial.dotenv.file import Unreadable, parse, read, write
from seatrial.dotenv.variable import Install

SIGNS = st.characters(max_codepoint=0x2FFF, exclude_characters="'\\", exclude_categories=["C", "Z"])
VALUES = st.text(SIGNS | st.just(" "), max_size=40)
COMPOSE = Path(sys.executable).parent / "docker-compose"


@given(VALUES)
def test_what_is_written_is_read_back(value: str) -> None:
    text = file.text(Install.ONE_HOST, {"SITE_URL": value, "OTHER": value})
    assert parse(text).values["SITE_URL"] == parse(text).values["OTHER"] == value


@pytest.mark.parametrize("value", ["it's", "two\nlines", "back\\slash", "\x1b[2K", "\u202e"])
def test_what_no_quotes_can_hold_is_refused(value: str) -> None:
    with pytest.raises(Unreadable, match="OTHER: its value has a quote"):
        file.text(Install.ONE_HOST, {"OTHER": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=x", "x"),
        ("A='x'", "x"),
        ('A="x"', "x"),
        (" A = x ", "x"),
        ("A=x # note", "x"),
        ("export A=x", "x"),
        ("A=x\r\nB=y\r\n", "x"),
        ("A=", ""),
        ("A", ""),
        ("\ufeffA=x", "x"),
    ],
)
def test_it_is_read_as_people_write_it(text: str, value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text, newline="")
    assert read(tmp_path / ".env").values["A"] == value


@pytest.mark.parametrize(
    "text", ["A=x\nthis is no variable\n", "A=x\n= y\n", "A=x\n'half\n", "A=x\nB C=y\n", "A=x\n\x1b[2K=y\n"]
)
def test_a_line_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(Unreadable, match=r"\.env, line 2: it is not NAME=value"):
        read(tmp_path / ".env")


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(bytes(range(256)))
    with pytest.raises(Unreadable, match=r"is not text\. Save it as UTF-8"):
        read(tmp_path / ".env")


def test_a_name_that_stands_there_twice_is_known() -> None:
    found = parse("A=1\nB=2\nA=3\n")
    assert found.values == {"A": "3", "B": "2"} and found.repeated == ("A",)


def test_only_its_owner_can_read_it_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    write(path, "A=1\n", replace=False)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write(path, "A=2\n", replace=False)
    assert path.read_text() == "A=1\n"
    path.chmod(0o644)
    write(path, "A=3\n", replace=True)
    assert path.read_text() == "A=3\n" and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file.files, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / ".env", "A=1\n", replace=False)
    assert list(tmp_path.iterdir()) == []


def test_compose_reads_the_same(tmp_path: Path) -> None:
    odd = {
        "PLAIN": "a/b:c@d%+,=~*-_.",
        "DOLLAR": "a$b${c}",
        "HASH": "a #b",
        "QUOTE": 'a"b',
        "SPACE": " a ",
    }
    (tmp_path / ".env").write_text(file.text(Install.ONE_HOST, odd))
    (tmp_path / "compose.yaml").write_text("services:\n  one:\n    image: x\n    env_file: .env\n")
    done = subprocess.run(
        [COMPOSE, "config", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    given_to_it = json.loads(done.stdout)["services"]["one"]["environment"]
    assert {name: given_to_it[name].replace("$$", "$") for name in odd} == odd
