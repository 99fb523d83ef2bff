"""What docs/security.md promises of members and of who may do what, and the tests that show it."""

DOORS, MEMBERS = "tests/doors/test_permissions.py", "tests/accounts/test_members.py"

OF_MEMBERS: dict[str, tuple[str, ...]] = {
    "- What each operation, page, stream and tool takes": (
        f"{DOORS}::test_every_operation_and_page_says_what_it_takes",
        f"{DOORS}::test_an_operation_is_for_the_role_that_it_says",
        f"{DOORS}::test_a_page_is_for_the_role_that_it_says",
        f"{DOORS}::test_a_tool_is_for_the_role_and_the_scope_that_it_says",
    ),
    "- Nobody becomes a [member]": (
        f"{MEMBERS}::test_somebody_with_an_account_is_no_member_before_they_accept",
        f"{MEMBERS}::test_who_is_removed_has_nothing_left_at_the_next_request",
        f"{MEMBERS}::test_a_workspace_keeps_an_owner",
        f"{MEMBERS}::test_an_admin_neither_makes_owners_nor_touches_them",
    ),
}
