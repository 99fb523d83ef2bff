"""What docs/security.md promises of what previews and builds may use: see `tests.security_claims`."""

OF_LIMITS: dict[str, tuple[str, ...]] = {
    "- All previews of a project share a total": (
        "tests/previews/test_admission.py::test_one_that_does_not_fit_waits_with_the_cause_and_goes_on_when_another_stops",
        "tests/previews/test_at_the_same_time.py::test_of_two_that_are_looked_at_by_two_workers_at_once_one_is_admitted",
        "tests/previews/test_admission_in_any_order.py::test_never_above_the_total_and_all_go_on_in_the_end",
        "tests/environments/test_admission.py::test_it_says_what_it_asks_for_is_built_and_starts_when_it_is_let_in",
    ),
    "- What a preview's containers have written": (
        "tests/previews/test_disk.py::test_one_that_is_full_ends_says_why_and_comes_back_with_the_next_commit",
        "tests/previews/test_disk.py::test_only_an_agent_that_has_it_is_believed",
        "tests/environments/test_disk_watch.py::test_layers_and_volumes_count_together_and_small_changes_are_no_news",
    ),
    "- A build that uses more memory than": (
        "tests/builds/test_limits.py::test_a_build_that_uses_more_memory_than_one_may_fails_and_names_the_setting",
    ),
}
