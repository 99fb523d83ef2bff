"""CODEOWNERS as Gitea and Forgejo read it: https://docs.gitea.com/usage/repository/code-owners."""

from seatrial.agent.sandboxes.owners import owners_by_expression, owners_of, rules

FILE = """
.*\\.go @go
docs/.* @writers # whoever writes
!docs/.* @coders
[ @nobody
[a-c]ets/.* @cat
src/(a|b)/.* @acme/team
"""


def owners(path: str) -> list[str]:
    return owners_by_expression(rules(FILE, sections=False), path)


def test_every_rule_whose_expression_is_the_whole_path_counts_and_others_do_not() -> None:
    assert owners("docs/a.go") == ["@go", "@writers"]
    assert owners("x.go") == ["@go", "@coders"]
    assert owners("src/a/x.txt") == ["@coders", "@acme/team"]
    assert owners("bets/x") == ["@coders", "@cat"]
    assert owners("src/c/x.txt") == ["@coders"] and owners("docs/a.txt") == ["@writers"]
    assert owners_of(rules(FILE), "docs/a.go") != owners("docs/a.go"), (
        "elsewhere the same file means something else"
    )


def test_no_expression_takes_long() -> None:
    assert owners_by_expression(rules("(a+)+b @x"), "a" * 50_000) == []
