"""What a Dockerfile only says of its image is left out of the build, and the image says it all the same."""

from typing import Any

import pytest

from seatrial.agent.builds.declared import Declared, left_out

WEB = b'FROM scratch\nCOPY . /\nEXPOSE 80 53/udp\n# said last\nENTRYPOINT ["/web"]\nCMD ["--port", \\\n  "$PORT"]\n'


def test_it_is_left_out_of_the_build_and_written_into_the_configuration() -> None:
    given, declared = left_out(WEB)
    assert given == b"FROM scratch\nCOPY . /\n"
    base = {"Cmd": ["sh"], "Env": ["A=b"], "ExposedPorts": {"1/tcp": {}}}
    assert declared.within(base) == {
        "Cmd": ["--port", "$PORT"],
        "Entrypoint": ["/web"],
        "Env": ["A=b"],
        "ExposedPorts": {"1/tcp": {}, "80/tcp": {}, "53/udp": {}},
    }


def test_an_entrypoint_takes_away_the_command_of_the_base_image() -> None:
    _, declared = left_out(b'FROM nginx\nRUN true\nENTRYPOINT ["/mine"]\n')
    assert declared.within({"Cmd": ["nginx"]}) == {"Cmd": None, "Entrypoint": ["/mine"]}


def test_the_last_of_several_counts_and_only_of_the_last_stage() -> None:
    raw = b'FROM a AS one\nRUN true\nCMD ["first"]\nFROM one\nCMD ["second"]\nRUN true\nCMD ["third"]\nEXPOSE 1\nEXPOSE 2\n'
    given, declared = left_out(raw)
    assert given == b'FROM a AS one\nRUN true\nCMD ["first"]\nFROM one\nRUN true\n'
    assert declared == Declared(("1/tcp", "2/tcp"), None, ["third"])


@pytest.mark.parametrize(
    "raw",
    [
        b'FROM nginx\nCMD ["only said"]\n',  # nothing would be left
        b"FROM a\nRUN true\nCMD for a shell\n",
        b'FROM a\nRUN true\nSHELL ["bash", "-c"]\nENTRYPOINT ["/e"]\nCMD for that shell\n',
        b"FROM a\nRUN true\nEXPOSE $PORT\nEXPOSE 3000-3010\nEXPOSE 70000\nEXPOSE 0\n",
        b'FROM a\nRUN true\nCMD ["port", 80]\n',
        b'FROM a\nRUN <<EOF\nCMD ["of a file"]\nEOF\n',
        b"FROM a\nRUN true\nONBUILD EXPOSE 80\nHEALTHCHECK CMD true\n",
    ],
)
def test_what_the_builder_has_to_read_stays(raw: bytes) -> None:
    unchanged: tuple[bytes, Any] = raw, Declared()
    assert left_out(raw) == unchanged
