"""What docs/security.md promises of what previews may reach and of those of forks, and the tests that show it."""

FENCE, ESCAPES = "tests/agent/test_fence.py", "tests/builds/test_escapes.py"
CONTAINED, IN_GVISOR = "tests/environments/test_containment.py", "tests/agent/test_forks_in_gvisor.py"

OF_WALLS: dict[str, tuple[str, ...]] = {
    "- Previews connect to the internet, and to no private network": (
        f"{FENCE}::test_the_internet_is_open_and_private_networks_only_to_those_that_may",
        "tests/agent/test_egress.py::test_no_form_of_a_private_address_is_open",
        f"{CONTAINED}::test_what_lacks_a_wall_is_refused_with_the_fix_before_anything_is_built",
        f"{CONTAINED}::test_private_networks_take_trust_and_a_permission",
    ),
    "- Rules that somebody removes": (
        "tests/agent/test_egress.py::test_what_others_removed_is_up_again_and_said",
        "tests/agent/test_egress.py::test_the_rules_are_up_before_the_network_is_there",
    ),
    "- Only the instance admin permits": (
        "tests/previews/test_tiers.py::test_only_the_instance_admin_permits_private_networks",
        "tests/previews/test_tiers.py::test_a_deployment_keeps_what_it_was_permitted_when_it_began",
    ),
    # Previews of forks
    "- Each of its containers runs under gVisor": (
        f"{IN_GVISOR}::test_it_runs_in_gvisor_works_as_others_do_and_reaches_nothing_private",
        f"{CONTAINED}::test_what_lacks_a_wall_is_refused_with_the_fix_before_anything_is_built",
    ),
    "- It connects to the internet and to no private network": (
        f"{IN_GVISOR}::test_it_runs_in_gvisor_works_as_others_do_and_reaches_nothing_private",
        f"{CONTAINED}::test_a_forks_code_runs_under_gvisor_and_reaches_the_internet_alone",
        "tests/previews/test_tiers.py::test_a_forks_deployment_is_untrusted_and_reaches_no_private_network",
    ),
    "- It gets the variables that are set for forks": (
        "tests/worker/test_variables.py::test_a_pull_request_from_a_fork_gets_what_is_set_for_forks_although_it_is_approved",
    ),
    "- Containers under gVisor are paused": (
        f"{IN_GVISOR}::test_it_runs_in_gvisor_works_as_others_do_and_reaches_nothing_private",
    ),
    "Its builds have the walls of every": (f"{ESCAPES}::test_a_mount_of_a_step_does_not_reach_the_host",),
    "gVisor is registered a second time": (
        "tests/embedded/test_engine_setup.py::test_gvisor_is_registered_again_for_previews_with_the_network_of_its_container",
    ),
}
