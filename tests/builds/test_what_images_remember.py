"""What an image keeps of its build for people, under labels that programs tell apart."""

from seatrial.agent.builds.bases import Base
from seatrial.agent.builds.inputs import warned
from seatrial.agent.vocabulary.labels import STAND_INS, WARNINGS


def test_stand_ins_and_warnings_have_a_label_each() -> None:
    bases = [Base("python:3", "1", {}, (), "python:3 has a stand-in"), Base("redis", "2", {}, ())]
    assert warned(bases, ["/data is not kept"]) == {
        STAND_INS: "python:3 has a stand-in",
        WARNINGS: "/data is not kept",
    }
    assert warned(bases[1:], []) == {}
