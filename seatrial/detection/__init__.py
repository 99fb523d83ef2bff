"""How to run a repository that does not say it: a Dockerfile made from the files that it has, and the reasons for each line.

Pure: the agent gives it the files of a commit, the command those of a checkout. Nothing that a file says is put into the
Dockerfile unless it is a version of digits and dots, a name of letters, or quoted as JSON.
"""

from seatrial.detection.detecting import Nothing, detect
from seatrial.detection.files import MAX_BYTES, RECIPES, Files, files_of, wanted
from seatrial.detection.plan import PORT, Plan, Reason

__all__ = [
    "MAX_BYTES",
    "PORT",
    "RECIPES",
    "Files",
    "Nothing",
    "Plan",
    "Reason",
    "detect",
    "files_of",
    "wanted",
]
