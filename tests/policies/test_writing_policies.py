"""People write policies: on pages and by REST, checked, in versions that never go back unseen; and others may not."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from seatrial.control.policies import packs
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.trials.models import Trial
from tests.policies.writing_doors import CODE, Doors, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PAGE = "/policies/harbour/owned"


@pytest.fixture
def doors() -> Doors:
    return Doors()


def test_a_policy_is_written_changed_and_brought_back(doors: Doors) -> None:
    sent = {"workspace": "harbour", "slug": "owned", "code": CODE.replace("\n", "\r\n"), "based_on": "0"}
    answer = doors.send("admin", "/policies/new", **sent, note="Services had no owners")
    assert answer.redirect_chain[-1][0] == PAGE
    assert "as a draft" in answer.content.decode()
    policy = Policy.objects.get()
    assert (policy.name, policy.level, policy.versions.get().code) == ("Owned", "draft", CODE)
    newer = CODE.replace('NAME = "Owned"', 'NAME = "Owned services"\nCRITERIA = {"events": ["push"]}')
    doors.send("owner", f"{PAGE}/edit", code=newer, based_on="1", note="Says what")
    doors.send(
        "admin", f"{PAGE}/parameters", **{"based_on": "2", "param-most": "7", "param-names": "b\r\n\r\nc"}
    )
    policy.refresh_from_db()
    newest = policy.versions.get(number=3)
    assert (policy.name, policy.criteria) == ("Owned services", {"events": ["push"]})
    assert newest.params == {"most": 7, "names": ["b", "c"], "strict": False} and newest.code == newer
    doors.send("admin", f"{PAGE}/revert", number="1", based_on="3")
    last = policy.versions.get(number=4)
    policy.refresh_from_db()
    assert (last.code, last.params["most"], last.note, last.author) == (
        CODE,
        5,
        "Brings back version 1",
        "admin",
    )
    assert policy.name == "Owned" and policy.versions.count() == 4
    doors.send("admin", f"{PAGE}/switch", enabled="false")
    assert not Policy.objects.get().enabled
    assert recorded() == [
        ("policy.create", "admin"),
        ("policy.edit", "owner"),
        ("policy.set_params", "admin"),
        ("policy.revert", "admin"),
        ("policy.disable", "admin"),
    ]
    code, page = doors.page("viewer", PAGE)
    assert (
        code == 200 and "Brings back version 1" in page and "Bring back<" not in page and "Edit" not in page
    )
    assert "Says what" in doors.page("viewer", f"{PAGE}/versions/2")[1]
    page = doors.page("viewer", f"{PAGE}/changes?from=1&to=2")[1]
    assert '<li class="added">' in page and '<span class="sr">added</span>' in page


def test_what_people_set_outlives_new_code_that_still_has_it(doors: Doors) -> None:
    policy = doors.policy()
    doors.rest(
        "admin", "POST", f"/policies/{policy.pk}/versions", based_on=1, params={"most": 9, "names": ["z"]}
    )
    newer = CODE.replace('"names": ["a"]', '"names": 3')
    _, answer = doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=2, code=newer)
    assert answer["params"] == {"most": 9, "names": 3, "strict": False}


def test_nothing_wrong_is_saved_and_nothing_typed_is_lost(doors: Doors) -> None:
    policy = doors.policy()
    wrong = CODE.replace("def evaluate", "def evaluete") + "# my <b>own</b> words\n"
    answer = doors.client("admin").post(f"{PAGE}/edit", {"code": wrong, "based_on": "1", "note": "Try"})
    page = answer.content.decode()
    assert (
        "there is no function evaluate" in page
        and "# my &lt;b&gt;own&lt;/b&gt; words" in page
        and 'value="Try"' in page
    )
    answer = doors.client("admin").post(
        "/policies/new", {"workspace": "harbour", "slug": "No", "code": wrong, "based_on": "0"}
    )
    assert (
        "cannot be a policy&#x27;s slug" in answer.content.decode()
        and "own&lt;/b&gt;" in answer.content.decode()
    )
    code, answer = doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=1, code="x = (\n")
    assert (code, answer["error"]["code"]) == (400, "bad_policy") and "line 1" in answer["error"]["message"]
    assert (
        doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=1, params={"most": "5"})[0]
        == 400
    )
    doors.send("admin", f"{PAGE}/parameters", **{"based_on": "1", "param-most": "many"})
    assert doors.rest("admin", "POST", "/policies", workspace="harbour", slug="owned", code=CODE)[0] == 409
    assert PolicyVersion.objects.count() == 1 and Policy.objects.get().pk == policy.pk


def test_the_second_of_two_people_sees_what_the_first_one_saved(doors: Doors) -> None:
    policy = doors.policy()
    first, second = (CODE.replace('"most": 5', f'"most": {number}') for number in (6, 7))
    doors.send("owner", f"{PAGE}/edit", code=first, based_on="1")
    answer = doors.client("admin").post(f"{PAGE}/edit", {"code": second, "based_on": "1", "note": "Mine"})
    page = answer.content.decode()
    assert answer.status_code == 409 and policy.versions.count() == 2
    assert "owner made version 2 meanwhile" in page and '<li class="removed">' in page
    assert 'name="based_on" value="2"' in page and "&quot;most&quot;: 7" in page
    code, answer = doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=1, code=second)
    assert (code, answer["error"]["code"]) == (409, "not_newest")
    assert doors.rest("admin", "POST", f"/policies/{policy.pk}/revert", based_on=1, to=1)[0] == 409
    doors.send("admin", f"{PAGE}/edit", code=second, based_on="2")
    assert policy.versions.get(number=3).params["most"] == 7


def test_developers_run_the_tests_of_a_policy_and_its_page_says_how_they_are(doors: Doors) -> None:
    policy = doors.policy(
        code=CODE.replace("PARAMS", 'TESTS = [{"name": "all well", "expected": {"passed": True}}]\nPARAMS')
    )
    assert (
        "all well" in doors.page("viewer", PAGE)[1] and "Run the tests" not in doors.page("viewer", PAGE)[1]
    )
    order = f"/trials/of/{policy.pk}/test"
    assert doors.page("developer", PAGE)[1].count(order) == 1
    assert doors.send("viewer", order).status_code == 403
    assert doors.send("stranger", order).status_code == 404
    assert doors.send("developer", order).status_code == 200
    assert [one.version.policy_id for one in Trial.objects.select_related("version")] == [policy.pk]


def test_saving_nothing_new_makes_no_version(doors: Doors) -> None:
    policy = doors.policy()
    address = f"/policies/{policy.pk}"
    for method, where, body in (
        ("POST", f"{address}/versions", {"based_on": 1, "code": CODE}),
        ("POST", f"{address}/versions", {"based_on": 1, "params": {"most": 5}}),
        ("POST", f"{address}/revert", {"based_on": 1, "to": 1}),
        ("PATCH", address, {"enabled": True}),
    ):
        code, answer = doors.rest("admin", method, where, **body)
        assert (code, answer["version"]) == (200, 1)
    assert recorded() == [("policy.create", "admin")]


def test_a_policy_and_its_versions_are_read_by_rest(doors: Doors) -> None:
    policy = doors.policy()
    doors.rest(
        "admin",
        "POST",
        f"/policies/{policy.pk}/versions",
        based_on=1,
        code=CODE.replace("5", "6"),
        note="Six",
    )
    code, rows = doors.rest("viewer", "GET", "/policies?workspace=harbour&slug=owned")
    assert (
        code == 200
        and [(row["slug"], row["version"]) for row in rows] == [("owned", 2)]
        and "code" not in rows[0]
    )
    assert doors.rest("viewer", "GET", f"/policies/{policy.pk}")[1]["params"]["most"] == 6
    code, rows = doors.rest("viewer", "GET", f"/policies/{policy.pk}/versions")
    assert [(row["number"], row["note"], row["author"]) for row in rows] == [
        (2, "Six", "admin"),
        (1, "First", "admin"),
    ]
    assert doors.rest("viewer", "GET", f"/policies/{policy.pk}/versions/1")[1]["code"] == CODE
    code, answer = doors.rest("viewer", "GET", f"/policies/{policy.pk}/diff")
    assert (answer["before"], answer["after"], answer["params"]) == (1, 2, {"most": [5, 6]})
    assert '-PARAMS = {"most": 5' in answer["diff"] and '+PARAMS = {"most": 6' in answer["diff"]
    for missing in ("versions/3", "versions/0", "diff?before=9", f"versions/{10**12}"):
        assert doors.rest("viewer", "GET", f"/policies/{policy.pk}/{missing}")[0] == 404


def test_packs_are_installed_whole_or_one_policy_at_a_time_and_updated(doors: Doors) -> None:
    doors.send("admin", "/policies/catalogue/harbour/starter/install", policy="no-secrets")
    policy = Policy.objects.get()
    assert (policy.slug, policy.pack, policy.level) == ("no-secrets", "starter", "advisory")
    assert "1 of " in doors.page("viewer", "/policies/catalogue?workspace=harbour")[1]
    policy.versions.update(code="def evaluate(project): ...\n", digest="old")
    states = {
        one["slug"]: one["state"]
        for one in doors.rest("viewer", "GET", "/workspaces/harbour/packs")[1][0]["policies"]
    }
    assert states["no-secrets"] == "outdated" and set(states.values()) == {"outdated", "absent"}
    code, rows = doors.rest("owner", "POST", "/workspaces/harbour/packs/starter/install", policies=[])
    assert code == 200 and {(row["slug"], row["version"]) for row in rows} >= {("no-secrets", 2)}
    assert Policy.objects.count() == len(packs.catalogue()[0].policies)
    assert doors.rest("owner", "POST", "/workspaces/harbour/packs/starter/install", policies=[])[1] == []
    doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=2, code=CODE)
    assert doors.rest("admin", "POST", "/workspaces/harbour/packs/starter/install", policies=[])[1] == []
    assert "Take the pack" in doors.page("admin", "/policies/catalogue")[1]
    rows = doors.rest("admin", "POST", "/workspaces/harbour/packs/starter/install", replace=True)[1]
    assert [(row["slug"], row["version"], row["author"]) for row in rows] == [
        ("no-secrets", 4, "pack starter")
    ]
    for space, wrong in (("harbour", ["nope"]), ("elsewhere", [])):
        address = f"/workspaces/{space}/packs/starter/install"
        assert doors.rest("admin", "POST", address, policies=wrong)[0] == 404
    assert doors.rest("admin", "POST", "/workspaces/harbour/packs/nope/install", policies=[])[0] == 400


@pytest.mark.parametrize(("who", "status"), [("developer", 403), ("viewer", 403), ("stranger", 404)])
def test_others_write_nothing(doors: Doors, who: str, status: int) -> None:
    policy = doors.policy()
    address = f"/policies/{policy.pk}"
    requests = [
        ("POST", "/policies", {"workspace": "harbour", "slug": "mine", "code": CODE}),
        ("POST", f"{address}/versions", {"based_on": 1, "code": CODE + "# x\n"}),
        ("POST", f"{address}/versions", {"based_on": 1, "params": {"most": 6}}),
        ("POST", f"{address}/revert", {"based_on": 1, "to": 1}),
        ("PATCH", address, {"enabled": False}),
        ("POST", "/workspaces/harbour/packs/starter/install", {"policies": []}),
    ]
    assert [doors.rest(who, method, where, **body)[0] for method, where, body in requests] == [status] * len(
        requests
    )
    pages = ("edit", "parameters", "revert", "switch")
    assert [doors.send(who, f"{PAGE}/{page}").status_code for page in pages] == [status] * len(pages)
    assert doors.send(who, "/policies/catalogue/harbour/starter/install").status_code == status
    assert doors.page(who, f"{PAGE}/edit")[0] == status
    assert recorded() == [("policy.create", "admin")] and Policy.objects.get().enabled


def test_strangers_see_nothing_of_a_policy(doors: Doors) -> None:
    policy = doors.policy()
    for page in ("", "/versions/1", "/changes"):
        assert doors.page("stranger", f"{PAGE}{page}")[0] == 404
    assert doors.rest("stranger", "GET", "/policies")[1] == []
    for part in ("", "/versions", "/versions/1", "/diff"):
        assert doors.rest("stranger", "GET", f"/policies/{policy.pk}{part}")[0] == 404
    assert doors.page("viewer", "/policies/new")[0] == 403


def test_files_are_imported_once_and_what_is_broken_is_said(doors: Doors) -> None:
    yaml = "slug: owned\nname: Owned\ncriteria: {events: [push]}\ncode: |\n" + "".join(
        f"  {line}\n" for line in CODE.splitlines()
    )
    files = [{"name": "owned.yaml", "text": yaml}, {"name": "bad.yaml", "text": "name: Bad\ncode: x = (\n"}]
    address = "/workspaces/harbour/policies/import"
    code, answer = doors.rest("admin", "POST", address, files=files)
    assert (code, answer["created"], answer["changed"]) == (200, ["owned"], [])
    assert [(one["file"], one["line"], one["key"]) for one in answer["broken"]] == [("bad.yaml", 2, "code")]
    policy = Policy.objects.get()
    assert (policy.level, policy.criteria, policy.versions.get().note) == (
        "draft",
        {"events": ["push"]},
        "Imported from owned.yaml",
    )
    upload = SimpleUploadedFile("owned.yaml", yaml.encode())
    page = doors.send(
        "owner", "/policies/import", workspace="harbour", files=[upload, SimpleUploadedFile("b.py", b"\xff")]
    )
    assert "it is not UTF-8" in page.content.decode() and policy.versions.count() == 1
    doors.rest("admin", "POST", f"/policies/{policy.pk}/versions", based_on=1, params={"most": 8})
    newer = [{"name": "owned.yaml", "text": yaml.replace("True}", "False}")}]
    assert doors.rest("admin", "POST", address, files=newer)[1]["changed"] == ["owned"]
    assert policy.versions.get(number=3).params["most"] == 8
    for who, status in {"developer": 403, "viewer": 403, "stranger": 404}.items():
        assert doors.rest(who, "POST", address, files=files)[0] == status
        upload = SimpleUploadedFile("owned.yaml", yaml.encode())
        assert doors.send(who, "/policies/import", workspace="harbour", files=[upload]).status_code in (
            403,
            404,
        )
    assert Policy.objects.count() == 1 and policy.versions.count() == 3
