"""Every symptom that an operating page promises is reproduced by a test, which is named here, and is on the page as it is printed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = "docs/troubleshooting.md"
# What is printed, and the tests that make it appear.
SYMPTOMS: dict[str, tuple[str, ...]] = {
    "CERTIFICATE_VERIFY_FAILED": (
        "airgap/test_gitlab.py::test_of_an_authority_that_is_not_in_the_bundle",
        "airgap/test_gitlab.py::test_with_the_servers_certificate_in_place_of_the_chain",
        "airgap/test_gitlab.py::test_of_an_authority_without_basic_constraints",
    ),
    "Name or service not known": ("airgap/test_gitlab.py::test_a_name_that_nobody_knows",),
    "returned 200 (not 401)": ("airgap/test_gitlab.py::test_anything_else_is_said_to_be_no_gitlab",),
    "GITGRIT_CUSTOM_CA_FILE_PATH is not set": (
        "airgap/test_bundle.py::test_unset_is_refused_by_setup_and_a_warning_of_the_smoke_test",
    ),
    "redirect_uri mismatch": (
        "accounts/providers/test_problems.py::test_a_redirect_uri_that_github_does_not_know",
        "accounts/providers/test_problems.py::test_a_redirect_uri_that_gitlab_does_not_know",
        "airgap/test_site.py::test_the_redirect_uri_is_shown_letter_for_letter",
    ),
    "password authentication failed for user": (
        "installation/test_database.py::test_a_second_stack_is_named_before_anything_is_served",
        "installation/test_database.py::test_a_refusal_is_said_at_once_with_its_fix",
    ),
    "shows `runc` (not `runsc`)": (
        "airgap/test_hosts.py::test_each_thing_has_its_line",
        "agent/test_host_lines.py::test_without_gvisor_the_fix_is_to_register_it",
        "agent/test_host_lines.py::test_sandboxes_that_run_under_runc_although_gvisor_is_registered_are_counted",
    ),
    "ERR_CERT_AUTHORITY_INVALID": (
        "airgap/test_browser.py::test_a_browser_that_does_not_know_the_authority_says_so",
    ),
    "cert not yet valid": (
        "airgap/test_gitlab.py::test_out_of_time",
        "airgap/test_gitlab.py::test_clocks_are_compared_by_its_date",
        "fleet/test_hosts.py::test_a_clock_that_is_off_is_named_with_what_it_breaks",
    ),
    "the database's schema was written by release": (
        "installation/test_schema.py::test_it_names_the_release_that_wrote_the_schema",
    ),
    "Encryption key must match": (
        "installation/test_keys.py::test_is_named_when_it_is_of_another_database_with_what_is_lost_and_the_way_back",
    ),
    "sole-user: the volume": (
        "deploy/test_sole_user.py::test_the_second_is_refused_with_the_volume_and_the_first_goes_on",
        "walks/test_hard_inputs.py::test_two_stacks_on_the_same_volumes",
    ),
    "`docker load` ends with `no space left on device`": (
        "walks/test_hard_inputs.py::test_a_disk_that_is_full_in_the_middle_of_a_load",
    ),
    "write /dev/stdout: no space left on device": (
        "walks/test_hard_inputs.py::test_a_disk_that_is_full_ends_a_dump_with_a_sentence_and_the_next_is_whole",
    ),
    "public internet is reachable": ("airgap/test_isolation.py::test_the_known_name_answers",),
    "rejected (signature)": (
        "forges/test_webhook_intake.py::test_a_wrong_signature_is_stored_as_such_and_its_body_cut",
    ),
    "rejected (secret unavailable)": (
        "forges/test_webhook_intake.py::test_without_a_stored_secret_nothing_is_accepted",
        "forges/test_webhook_intake.py::test_nor_with_one_that_cannot_be_opened",
    ),
    "rejected (parse)": (
        "forges/test_webhook_intake.py::test_a_body_that_is_not_what_it_says_is_stored_as_such",
    ),
    "`accepted` but no env appears": (
        "triggers/test_deliveries.py::test_an_event_of_a_repository_that_is_not_connected_names_it",
    ),
    "no webhook ever comes": (
        "status/test_checks.py::test_changes_without_any_webhook_name_what_code_hosts_refuse",
    ),
    "an agent shows *offline*": (
        "fleet/test_registration.py::test_heartbeats_bring_online_and_silence_takes_offline",
        "agent/test_identity.py::test_a_used_token_is_named",
        "agent/test_identity.py::test_no_token_and_no_control_plane",
    ),
    "a build hangs": (
        "agent/test_host_lines.py::test_a_full_disk_names_what_may_be_cleared",
        "agent/test_heartbeat.py::test_a_disk_on_which_nothing_is_built_is_a_warning_with_its_fix",
    ),
    "docker ps -a --filter label=galley.managed=true": (
        "agent/test_host_lines.py::test_containers_of_another_agent_are_counted_and_named",
    ),
    "429 Too Many Requests": (
        "agent/test_host_lines.py::test_a_registry_that_limits_pulls_is_named_until_something_comes_again",
    ),
    "fork/exec /proc/self/exe: permission denied": (
        "agent/test_host_lines.py::test_namespaces_that_ubuntu_keeps_from_builds_are_said_in_the_words_of_the_container",
    ),
    "cert issuance pending": (
        "certificates/test_acme.py::test_what_is_wrong_ends_in_a_sentence_with_its_fix",
        "certificates/test_states.py::test_pending_is_no_fault_for_the_time_that_dns_takes",
    ),
    "agent_lost_contact": (
        "previews/test_services.py::test_lost_agent_fails_what_is_in_progress_after_a_minute",
    ),
    "a preview shows the wrong service": (
        "wire/test_hostnames.py::test_services_that_are_written_alike_do_not_share_an_address",
    ),
}


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_it_is_on_the_page_and_reproduced(symptom: str) -> None:
    assert symptom in (ROOT / PAGE).read_text()
    missing = [one for one in SYMPTOMS[symptom] if not exists(one)]
    assert missing == [], (
        f"{symptom!r} is promised in {PAGE}; what shows it was renamed or removed: {missing}"
    )


def test_every_row_of_the_page_is_in_the_table() -> None:
    rows = [line.split(" | ")[0] for line in (ROOT / PAGE).read_text().splitlines() if line.startswith("| ")]
    unknown = [row for row in rows if row != "| symptom" and not any(one in row for one in SYMPTOMS)]
    assert unknown == []


def test_a_test_that_is_gone_would_be_found() -> None:
    assert not exists("airgap/test_gitlab.py::test_that_nobody_has_written")
    assert not exists("airgap/test_nothing.py::test_out_of_time")


def exists(named: str) -> bool:
    """Whether there is a test of that name in that file, in a class or not."""
    file, _, test = named.partition("::")
    path = ROOT / "tests" / file
    return path.is_file() and (not test or test in functions(ast.parse(path.read_text())))


def functions(tree: ast.AST) -> Iterator[str]:
    return (one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
