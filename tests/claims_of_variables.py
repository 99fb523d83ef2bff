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
    "- A build gets only secrets that its recipe names": (
        "tests/environments/test_failures.py::test_a_secret_does_not_go_into_a_build",
        "tests/recipes/test_build_secrets.py::test_a_build_is_given_what_recipe_and_project_both_say",
        "tests/builds/test_build_secrets.py::test_a_secret_and_a_key_are_there_for_their_step_and_nowhere_else",
        "tests/recipes/test_build_secrets.py::test_builds_of_forks_share_no_layer_with_others",
        "tests/worker/test_variables.py::test_builds_are_given_what_is_permitted_for_them",
    ),
}
