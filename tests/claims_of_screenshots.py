"""The promises of docs/security.md about screenshots: see `security_claims`."""

SHOTS, SEEN = "tests/agent/test_screenshots.py", "tests/previews/test_evidence.py"

OF_SCREENSHOTS: dict[str, tuple[str, ...]] = {
    "- The browser that draws a page of a preview has a container": (
        f"{SHOTS}::test_the_browser_has_no_rights_and_one_network",
        f"{SHOTS}::test_a_browser_has_the_walls_of_what_it_looks_at",
    ),
    "- A page leads its browser nowhere but": (
        "tests/agent/test_program.py::test_killed_at_any_moment_and_removed_at_the_end",
    ),
    "- A screenshot opens no gate": (f"{SHOTS}::test_it_goes_past_the_gate_with_nothing_that_opens_it",),
    "- What comes out of a browser is kept only if": (
        f"{SHOTS}::test_whatever_else_a_browser_says_is_no_picture",
        f"{SEEN}::test_what_is_no_picture_is_not_kept",
        f"{SEEN}::test_the_picture",
    ),
}
