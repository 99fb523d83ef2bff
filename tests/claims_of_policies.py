"""The promises of docs/security.md about the sandboxes of policies, by how each begins, with the tests that show it."""

HOSTILE = "tests/sandboxes/test_hostile.py"
NEIGHBOURS = "tests/sandboxes/test_neighbours.py"
PERMITTED = "tests/policies/test_network.py"
BERTHS = "tests/sandboxes/test_berths.py"
NETWORKED = "tests/sandboxes/test_networked.py"
VISITS = "tests/worker/test_visits.py"
SANDBOXES = "tests/sandboxes/test_containers.py"
JUDGED = "tests/sandboxes/test_validation.py"

OF_POLICIES: dict[str, tuple[str, ...]] = {
    "- Policies run in a gVisor sandbox for one evaluation": (
        f"{SANDBOXES}::test_a_sandbox_has_next_to_no_rights",
        f"{SANDBOXES}::test_the_pool_keeps_sandboxes_warm_and_uses_each_once",
        f"{HOSTILE}::test_contained_and_siblings_are_right_and_the_next_evaluation_is_untouched",
    ),
    "- Each policy runs in a child process with its own user": (
        f"{HOSTILE}::test_contained_and_siblings_are_right_and_the_next_evaluation_is_untouched",
        f"{NEIGHBOURS}::test_nothing_can_be_started_and_nothing_made_that_others_could_reach",
    ),
    "- The policies of one evaluation run in one sandbox": (
        f"{NEIGHBOURS}::test_a_policy_offers_what_it_can_and_its_neighbour_finds_nothing",
        f"{HOSTILE}::test_nothing_of_a_sibling_or_the_warden_can_be_touched",
    ),
    "- What a policy returns, logs and prints is checked": (
        f"{JUDGED}::test_judging_never_fails",
        f"{JUDGED}::test_logs_are_cut_saying_so",
        f"{HOSTILE}::test_forged_frames_speak_for_nobody_else",
    ),
    "- `GITGRIT_REQUIRE_GVISOR=true` refuses": (
        f"{SANDBOXES}::test_where_gvisor_is_required_nothing_runs_without",
        f"{SANDBOXES}::test_gvisor_that_is_registered_later_is_noticed_and_used",
    ),
    "- A policy has a network only if its author asks": (
        f"{PERMITTED}::test_nobody_else_does",
        f"{PERMITTED}::test_what_asks_in_vain_is_errored_and_the_others_run",
        f"{PERMITTED}::test_an_agent_that_knows_nothing_of_it_has_judged_nothing",
        f"{PERMITTED}::test_every_place_says_what_ran_with_the_network",
        f"{BERTHS}::test_what_is_missing_is_named_with_who_can_give_it",
    ),
    "- A draft that somebody tries gets no network": (
        "tests/policies/test_trials.py::test_strange_code_gets_the_network_only_from_those_who_may_permit_it",
    ),
    "- Whatever a policy does to its interpreter": (
        "tests/sandboxes/escapes/test_escapes.py::test_each_attack_is_contained_and_nobody_else_notices",
    ),
    "- A policy with a network is alone in its sandbox.": (
        f"{NETWORKED}::test_the_bridge_is_reached_and_nothing_of_the_host",
        f"{BERTHS}::test_without_rules_there_is_no_berth",
        f"{BERTHS}::test_the_bus_is_closed_by_every_address_that_it_has",
        f"{BERTHS}::test_beyond_the_bridge_other_networks_and_published_ports_are_closed",
    ),
    "- A live policy visits the preview that its evaluation looks at": (
        f"{VISITS}::test_nobody_else_visits_it_and_nothing_else_is_visited",
        f"{VISITS}::test_no_path_leads_anywhere_else",
        f"{VISITS}::test_a_redirect_is_told_and_not_followed",
    ),
    "- The sandbox of a policy with a network holds no token": (
        f"{NETWORKED}::test_the_bridge_is_reached_and_nothing_of_the_host",
        f"{NETWORKED}::test_a_killed_agent_leaves_nothing_on_the_network",
    ),
}
