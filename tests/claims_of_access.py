"""What docs/security.md promises of who gets into previews, and the tests that show it."""

GATES, INGRESS = "tests/entrance/test_gatekeeper.py", "tests/entrance/test_ingress.py"

OF_ACCESS: dict[str, tuple[str, ...]] = {
    "- A preview with a gate gets no request": (
        f"{INGRESS}::test_only_who_gets_in_reaches_the_application_and_it_sees_no_key",
        f"{INGRESS}::test_nobody_gets_in_while_nobody_can_be_asked",
    ),
    "- It does not see what opened the gate": (
        f"{INGRESS}::test_only_who_gets_in_reaches_the_application_and_it_sees_no_key",
    ),
    "- Nobody gets into one preview with what": (
        f"{GATES}::test_passes_are_of_one_environment_and_cannot_be_made_up",
    ),
    "- Who does not get in does not wake": (
        "tests/entrance/test_waking.py::test_who_may_not_enter_does_not_wake_it",
        "tests/entrance/test_waking.py::test_who_only_looks_wakes_nothing_and_is_not_told_that_all_is_well",
    ),
    "- Who may not look any more stays out": (
        f"{GATES}::test_strangers_are_refused_and_people_who_leave_stay_out_at_once",
        f"{GATES}::test_guests_get_into_one_preview_until_their_link_ends",
        f"{GATES}::test_programs_show_the_bypass_token_and_the_preview_does_not_see_it",
        f"{GATES}::test_a_browser_enters_the_password_once_for_all_hosts",
    ),
    "- Passwords are kept as bcrypt": (
        "tests/entrance/test_rules.py::test_the_password_is_stored_as_bcrypt_and_told_to_nobody",
        f"{GATES}::test_wrong_passwords_are_counted_and_right_ones_still_get_in",
    ),
    # What is in previews
    "- A reset empties the volumes of one preview": (
        "tests/environments/test_data.py::test_a_reset_empties_everything_and_seeds_again",
    ),
    "- What a preview of a fork has written": (
        "tests/previews/test_snapshots.py::test_forks_put_nothing_in_and_get_only_what_is_marked_for_them",
    ),
    "- Only an admin saves data": (
        "tests/previews/test_snapshots.py::test_only_admins_save_and_remove_and_members_look",
        "tests/previews/test_snapshots.py::test_what_was_saved_last_is_what_new_previews_begin_with",
    ),
}
