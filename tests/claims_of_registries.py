"""The promises about registry logins, and the tests that show them."""

OF_REGISTRIES: dict[str, tuple[str, ...]] = {
    "- Passwords of registry logins lie in the database sealed": (
        "tests/registries/test_setting.py::test_the_database_has_no_password_in_clear",
        "tests/registries/test_pages.py::test_developers_see_which_there_are_and_nobody_a_password",
        "tests/worker/test_registries.py::test_the_agent_of_a_deployment_is_given_what_is_set_now_and_the_audit_log_says_so",
        "tests/worker/test_registries.py::test_nobody_else_gets_any",
        "tests/worker/test_registries.py::test_the_desired_state_names_registries_and_ids_and_nothing_else",
        "tests/worker/test_registries.py::test_over_the_bus_it_is_sealed",
    ),
    "- An image that was pulled with a login is run": (
        "tests/builds/test_pulls.py::test_what_came_with_a_projects_login_is_there_for_that_login_alone",
        "tests/builds/test_images.py::test_what_a_login_pulled_is_found_with_that_login_alone",
    ),
    "- A preview of a fork pulls with the logins": (
        "tests/worker/test_registries.py::test_a_fork_gets_what_is_set_for_forks_although_it_is_approved",
        "tests/registries/test_setting.py::test_the_projects_own_wins_and_each_tier_has_its_own",
    ),
    "- Who is no admin sets and removes no registry login": (
        "tests/registries/test_pages.py::test_the_wrong_person_is_refused_and_nothing_changes",
    ),
}
