"""The default branch is protected.

What the code host refuses to those who push to the default branch: a change needs reviews, nobody may rewrite its history, and nobody may
delete it. Where the code host does not let Seatrial's account read one of these, the policy fails and says which: it never passes on
what it does not know. Parameters: `reviews`, how many a change needs at least; `admins`, whether administrators must keep to it too;
`checks`, names of checks that must be required.
"""

NAME = "Protected default branch"
PARAMS = {"reviews": 1, "admins": False, "checks": []}
TESTS = [
    {"name": "protected", "input": {"get_branch_protection": {"branch": "main", "protected": True, "required_reviews": 2, "required_checks": ["build"], "force_pushes": False, "deletions": False, "admins_enforced": True, "code_owners": False, "unknown": ""}}, "expected": {"passed": True, "score": 100, "message": {"contains": "main"}}},
    {"name": "not protected at all", "input": {"get_branch_protection": {"branch": "main", "protected": False, "required_reviews": 0, "required_checks": [], "force_pushes": True, "deletions": True, "admins_enforced": False, "code_owners": False, "unknown": ""}}, "expected": {"passed": False, "score": 0, "findings": 3}},
    {"name": "history may be rewritten", "input": {"get_branch_protection": {"branch": "main", "protected": True, "required_reviews": 1, "required_checks": [], "force_pushes": True, "deletions": False, "admins_enforced": False, "code_owners": False, "unknown": ""}}, "expected": {"passed": False, "score": 67, "findings": 1, "message": {"contains": "force"}}},
    {"name": "admins and checks, where they are asked for", "input": {"get_branch_protection": {"branch": "main", "protected": True, "required_reviews": 1, "required_checks": ["build"], "force_pushes": False, "deletions": False, "admins_enforced": False, "code_owners": False, "unknown": ""}}, "params": {"admins": True, "checks": ["build", "test"]}, "expected": {"passed": False, "findings": 2, "message": {"contains": "test"}}},
    {"name": "what may not be read is no pass", "input": {"get_branch_protection": {"branch": "main", "protected": True, "required_reviews": None, "required_checks": None, "force_pushes": None, "deletions": None, "admins_enforced": None, "code_owners": None, "unknown": "It shows them to administrators only."}}, "expected": {"passed": False, "findings": 3, "message": {"contains": "administrators only"}}},
    {"name": "what is known to be wrong counts, whatever else is not known", "input": {"get_branch_protection": {"branch": "main", "protected": True, "required_reviews": 0, "required_checks": None, "force_pushes": None, "deletions": False, "admins_enforced": None, "code_owners": None, "unknown": "It shows them to administrators only."}}, "expected": {"passed": False, "findings": 2, "message": {"contains": "fewer than 1"}}},
    {"name": "a code host that was not asked", "input": {"get_branch_protection": None}, "expected": {"passed": False, "score": 0, "message": {"contains": "not asked"}}},
]  # fmt: skip


def evaluate(project, params):
    found = project.get_branch_protection()
    if found is None:
        return {
            "passed": False,
            "score": 0,
            "message": "The code host was not asked how the default branch is protected. Run it again.",
        }
    demands = [
        ("required_reviews", lambda said: said >= params["reviews"], f"a change needs fewer than {params['reviews']} reviews"),
        ("force_pushes", lambda said: not said, "its history may be rewritten (force pushes)"),
        ("deletions", lambda said: not said, "it may be deleted"),
    ]  # fmt: skip
    if params["admins"]:
        demands.append(("admins_enforced", bool, "administrators need not keep to it"))
    for check in params["checks"]:
        demands.append(
            ("required_checks", lambda said, check=check: check in said, f"the check {check} is not required")
        )
    branch = found["branch"]
    wrong = [why for name, holds, why in demands if found[name] is not None and not holds(found[name])]
    unknown = [f"it is not known whether {why}" for name, _, why in demands if found[name] is None]
    if not wrong and not unknown:
        reviews = found["required_reviews"]
        return {
            "passed": True,
            "score": 100,
            "message": f"{branch} is protected: {reviews} reviews, no force pushes, no deletion.",
        }
    why_not = f" {found['unknown']}" if unknown else ""
    return {
        "passed": False,
        "score": round(100 * (len(demands) - len(wrong) - len(unknown)) / len(demands)),
        "message": f"Of {branch}: {'; '.join(wrong + unknown)}.{why_not}",
        "findings": [{"message": f"{branch}: {why}", "severity": "high"} for why in wrong]
        + [{"message": f"{branch}: {why}", "severity": "low"} for why in unknown],
    }
