"""The promises about variables and secrets of previews, and the tests that show them."""

OF_VARIABLES: dict[str, tuple[str, ...]] = {
    "- Variables of previews lie in the database sealed": (
        "tests/variables/test_setting.py::test_the_database_has_no_value_in_clear",
        "tests/worker/test_variables.py::test_nobody_else_gets_any",
        "tests/worker/test_variables.py::test_over_the_bus_they_are_sealed",
        "tests/worker/test_variables.py::test_the_desired_state_says_that_there_are_some_and_not_which",
    ),
    "- A preview of a fork gets the variables": (
        "tests/worker/test_variables.py::test_a_pull_request_from_a_fork_gets_what_is_set_for_forks_although_it_is_approved",
        "tests/variables/test_setting.py::test_the_projects_own_win_and_other_projects_get_none",
    ),
    "- Who is no admin reads no secret": (
        "tests/variables/test_pages.py::test_the_wrong_person_is_refused_and_nothing_changes",
        "tests/variables/test_pages.py::test_developers_see_names_and_what_is_no_secret",
        "tests/variables/test_setting.py::test_reads_and_writes_are_audited_without_a_value",
    ),
    "- Secrets of 6 characters or more are masked": (
        "tests/agent/test_masking.py::test_other_forms_of_a_value_are_masked_too",
        "tests/agent/test_masking.py::test_a_value_is_masked_where_a_long_line_was_cut_in_it",
        "tests/environments/test_failures.py::test_a_secret_that_a_service_prints_is_in_no_line_and_no_message",
    ),
    "- No secret goes into a build": (
        "tests/environments/test_failures.py::test_a_secret_does_not_go_into_a_build",
    ),
}
