"""The promises about keys and their rotation, and the tests that show them."""

REWRAPPING, KEYS = "tests/keys/test_rewrapping.py", "tests/keys/test_keys.py"

OF_KEYS: dict[str, tuple[str, ...]] = {
    "- Every key of the server can be rotated while it runs": (
        f"{REWRAPPING}::test_a_rotation_from_the_old_key_to_the_new_one",
        f"{REWRAPPING}::test_killed_in_the_middle_it_goes_on_where_it_was",
        f"{REWRAPPING}::test_verify_lists_what_does_not_open_and_the_command_ends_with_it",
        f"{KEYS}::test_another_signing_key_beside_the_former_ends_no_session",
        "tests/embedded/test_rotating.py::test_a_crash_between_the_two_files_loses_neither",
    ),
    "- Only an instance admin sees which keys there are": (
        f"{KEYS}::test_owners_teammates_and_strangers_are_refused_everywhere",
        f"{KEYS}::test_a_token_with_scopes_is_refused_also_the_instance_admins",
        f"{KEYS}::test_the_page_leads_through_a_rotation",
    ),
    "- A process that has not learned of a rotation seals nothing": (
        f"{REWRAPPING}::test_a_process_of_before_the_rotation_seals_nothing_that_the_others_cannot_open",
        f"{REWRAPPING}::test_a_key_that_opens_nothing_here_does_not_begin",
    ),
}
