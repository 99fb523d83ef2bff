"""What docs/security.md promises of tunnels into previews, and the tests that show it."""

OF_TUNNELS: dict[str, tuple[str, ...]] = {
    "- Commands in a preview, and connections to its ports": (
        "tests/tunnels/test_granting.py::test_a_developer_gets_in_and_a_viewer_a_stranger_and_a_scoped_token_do_not",
        "tests/tunnels/test_granting.py::test_a_project_decides_and_those_of_forks_are_closed_unless_it_says_otherwise",
        "tests/tunnels/test_granting.py::test_it_ends_when_the_right_or_the_preview_does_and_keeps_the_preview_awake",
        "tests/tunnels/test_granting.py::test_the_log_says_who_ran_what_without_secrets",
        "tests/tunnels/test_ahead.py::test_who_may_not_is_refused_before_and_what_cannot_be_is_said_within",
        "tests/agent/test_tunnels.py::test_a_command_and_a_port_are_reached_and_nothing_is_left",
    ),
}
