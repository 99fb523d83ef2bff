"""What docs/security.md promises, and the tests that show it: the beginning of each promise, then `file::test`."""

from tests.claims_of_access import OF_ACCESS
from tests.claims_of_keys import OF_KEYS
from tests.claims_of_limits import OF_LIMITS
from tests.claims_of_members import OF_MEMBERS
from tests.claims_of_policies import OF_POLICIES
from tests.claims_of_registries import OF_REGISTRIES
from tests.claims_of_screenshots import OF_SCREENSHOTS
from tests.claims_of_tunnels import OF_TUNNELS
from tests.claims_of_variables import OF_VARIABLES
from tests.claims_of_walls import OF_WALLS

ESCAPES, LIMITS, BUILDERS = (
    "tests/builds/test_escapes.py",
    "tests/builds/test_limits.py",
    "tests/builds/test_builders.py",
)
KIT, BARE = "tests/builds/test_buildkit", "tests/builds/test_without_namespaces.py"
PULLS, IMAGES = "tests/builds/test_pulls.py", "tests/builds/test_images.py"
ATTACKED, STRANGERS = "e2e/test_isolation.py", "e2e/test_strangers.py"
FENCE, LAUNCH = "tests/agent/test_fence.py", "tests/environments/test_launch.py"
HOSTILE, NEIGHBOURS = "tests/sandboxes/test_hostile.py", "tests/sandboxes/test_neighbours.py"
PERMISSIONS, CREDENTIALS = "tests/bus/test_permissions.py", "tests/worker/test_credentials.py"
SIGN_IN, DOORS = "tests/accounts/test_sign_in.py", "tests/rest/test_every_door.py"
AUTHORIZING, RENEWING = "tests/triggers/test_authorizing.py", "tests/forges/test_oauth_renewing.py"
HOOKS, SLOW = "tests/forges/test_webhook_intake.py", "tests/installation/test_slow_strangers.py"
FORKS, COMMANDS = "tests/triggers/test_forks.py", "tests/triggers/test_commanding.py"
WAIVERS = "tests/policies/test_waivers.py"
SCOPES, ASSISTANTS = "tests/accounts/test_token_scopes.py", "tests/assistants/test_doors.py"
COMPOSED, BROKEN = "tests/recipes/test_composed.py", "tests/recipes/test_broken.py"
COMING, STAYING, PROBLEMS, LINKING = (
    f"tests/accounts/providers/test_{name}.py" for name in ("coming_in", "staying", "problems", "linking")
)
SECOND = "tests/accounts/second_factor/test_second_factor.py"
ACCESS, LABELS = "tests/accounts/test_access.py", "tests/previews/test_labels.py"

CLAIMS: dict[str, tuple[str, ...]] = {
    "- The database refuses to change an entry of the [audit log]": (
        "tests/audit/test_append_only.py::test_the_database_refuses_to_change_what_was_recorded",
        "tests/audit/test_ageing.py::test_what_no_anchor_covers_cannot_go",
        "tests/audit/test_chain.py::test_an_entry_that_was_changed_is_named",
        "tests/audit/test_chain.py::test_what_is_missing_put_in_or_moved_is_named",
    ),
    "- Only the instance admin sees the whole audit log": (
        "tests/audit/test_doors.py::test_everybody_sees_what_their_role_says",
        "tests/audit/test_doors.py::test_others_are_refused",
        "tests/audit/test_doors.py::test_only_the_instance_admin_verifies",
    ),
    # Who is trusted with what
    "| code of a pull request, in a **preview**": (
        f"{ATTACKED}::test_a_preview_reaches_neither_the_platform_nor_another_preview",
        f"{FENCE}::test_neither_the_host_nor_another_network_nor_the_metadata",
    ),
    "| the same code, in a **build**": (
        f"{ATTACKED}::test_a_build_reaches_nothing_and_its_mounts_lead_nowhere",
        f"{BUILDERS}::test_a_step_reaches_neither_the_host_nor_its_processes",
    ),
    "| a **registry** that a recipe names": (f"{PULLS}::test_nothing_of_the_host_is_asked_whoever_names_it",),
    "| the same code, read by a **policy**": (
        f"{NEIGHBOURS}::test_a_policy_offers_what_it_can_and_its_neighbour_finds_nothing",
        f"{HOSTILE}::test_nothing_of_a_sibling_or_the_warden_can_be_touched",
    ),
    "| an **agent** |": (
        f"{PERMISSIONS}::test_may_not_publish_there",
        f"{PERMISSIONS}::test_may_not_listen_there",
        "tests/worker/test_two_agents.py::test_late_and_false_reports_of_both_change_nothing",
    ),
    "| a **viewer**, a **developer**": (
        f"{ACCESS}::test_each_person_may_do_what_their_role_says_and_nothing_else",
    ),
    "- A tool whose facts policies ask for runs in a sandbox of its own": (
        "tests/sandboxes/test_tools_contained.py::test_a_tool_reads_a_commit_in_gvisor_without_network_and_rights",
        "tests/sandboxes/test_facts.py::test_no_policy_makes_a_verdict_of_a_tool_that_broke",
    ),
    "- What the host reads of a repository for policies": (
        "tests/sandboxes/test_runtime_fact.py::test_no_text_takes_long",
        "tests/sandboxes/test_runtime_fact.py::test_no_dockerfile_takes_long_or_fills_the_memory",
        "tests/sandboxes/test_runtime_fact.py::test_no_licence_takes_long",
        "tests/sandboxes/test_manifests.py::test_no_manifest_takes_long",
    ),
    "- A secret that a tool finds is passed on to nobody": (
        "tests/sandboxes/test_facts.py::test_a_secret_is_found_and_never_passed_on",
    ),
    # Previews
    "- Every deployment has a network of its own.": (
        f"{FENCE}::test_neither_the_host_nor_another_network_nor_the_metadata",
        "tests/runtime/test_conformance.py::test_siblings_meet_by_name_and_versions_do_not",
    ),
    "- Our own processes listen on the loopback only": (
        f"{STRANGERS}::test_what_the_platform_listens_on_is_the_loopback",
    ),
    "- An agent that runs as root installs firewall rules": (
        f"{FENCE}::test_neither_the_host_nor_another_network_nor_the_metadata",
        f"{FENCE}::test_the_rules_go_up_again_over_networks_that_are_there_and_after_every_trouble",
    ),
    "- An agent in a container finds out whether these rules count": (
        "tests/agent/test_proof.py::test_rules_that_count_keep_it_out_and_rules_for_other_interfaces_do_not",
    ),
    "- In the containers of `deploy/compose.yaml` no process has more rights": (
        "tests/deploy/test_one_host.py::test_no_container_has_more_rights_than_it_needs",
        "tests/deploy/test_engine_proxy.py::test_what_the_agent_asks_is_let_through_and_the_rest_is_not",
    ),
    "- Containers have limits of CPU, memory and processes": (
        "tests/agent/test_docker_runtime.py::test_limits_reach_the_engine",
        f"{ATTACKED}::test_a_preview_knows_nothing_and_may_little",
    ),
    **OF_KEYS,
    **OF_MEMBERS,
    **OF_LIMITS,
    "- Nothing of the host is mounted.": (
        "tests/recipes/test_corpus.py::test_a_shape_that_is_refused",
        f"{ATTACKED}::test_a_recipe_does_not_lead_out",
        f"{COMPOSED}::test_what_reaches_the_kernel_or_the_host_is_refused_all_at_once",
    ),
    "- A preview can neither run nor build from images of other previews": (
        f"{IMAGES}::test_images_of_previews_are_nobody_elses",
        f"{ATTACKED}::test_images_of_another_preview_cannot_be_run_or_built_from",
    ),
    "- Only Seatrial sets `galley.*` labels": (
        f"{BUILDERS}::test_from_scratch_with_our_labels",
        f"{IMAGES}::test_a_pulled_image_that_pretends_to_be_a_previews_is_refused",
    ),
    "- A preview's log lines have a share": (
        "tests/agent/test_log_shares.py::test_what_is_beyond_its_share_is_left_out_and_counted",
    ),
    "- Nothing is mounted at or below `/dev`": (
        f"{LAUNCH}::test_nothing_is_mounted_over_folders_of_the_kernel",
        "tests/agent/test_mounts_of_images.py::test_a_container_whose_volume_a_link_leads_to_dev_does_not_run",
        "tests/agent/test_mounts_of_images.py::test_what_ran_cannot_lead_its_volume_to_dev_for_its_next_life",
        "tests/agent/test_mounts_of_images.py::test_nothing_lies_in_a_volume_that_a_neighbour_may_fill_with_links",
    ),
    "- Compose files are read by Compose in a cell": (
        "tests/recipes/test_cell.py::test_no_file_of_the_host_is_read",
        "tests/recipes/test_cell.py::test_no_address_is_asked",
        "tests/recipes/test_cell.py::test_nothing_of_the_agents_environment_reaches_compose",
        "tests/recipes/test_cell.py::test_variables_reach_nothing_that_runs_before_compose",
    ),
    "- Of what a compose file asks of its containers": (
        f"{COMPOSED}::test_a_container_gets_what_harms_nobody",
        f"{COMPOSED}::test_what_reaches_the_kernel_or_the_host_is_refused_all_at_once",
        f"{LAUNCH}::test_a_service_that_shares_a_network_joins_the_container_of_its_own_deployment",
    ),
    # Builds
    "- buildah runs without a daemon": (
        f"{ESCAPES}::test_a_mount_of_a_step_does_not_reach_the_host",
        f"{BUILDERS}::test_the_context_is_read_only",
    ),
    "- Base images, which all projects share": (f"{ESCAPES}::test_a_mount_of_a_step_does_not_reach_the_host",),
    "- A step sees no control groups": (
        f"{ESCAPES}::test_a_step_sees_neither_containers_of_the_host_nor_its_interfaces",
    ),
    "- An image that declares a `VOLUME` at or below": (
        "tests/agent/test_mounts_of_images.py::test_what_lies_in_a_folder_of_the_kernel_is_refused",
        f"{LAUNCH}::test_nor_what_an_image_of_a_service_that_keeps_data_declares",
    ),
    "- A Dockerfile mounts nothing there into a step": (
        "tests/builds/test_dialect.py::test_nothing_is_mounted_into_a_step_where_the_kernels_folders_are_however_it_is_written",
        "tests/builds/test_dialect.py::test_a_target_that_cannot_be_known_is_refused",
        f"{ESCAPES}::test_a_step_that_would_be_mounted_over_the_devices_is_not_begun",
    ),
    "- Each build has a PID namespace of its own.": (
        f"{BUILDERS}::test_a_step_reaches_neither_the_host_nor_its_processes",
        f"{BUILDERS}::test_cancelling_ends_every_process",
        f"{BUILDERS}::test_a_build_may_not_take_for_ever",
        "tests/builds/test_killed.py::test_killed_in_the_middle",
    ),
    "- Each build has a network of its own": (
        f"{BUILDERS}::test_a_step_reaches_neither_the_host_nor_its_processes",
        f"{ESCAPES}::test_what_buildah_fetches_itself_is_not_the_hosts",
    ),
    "- All builds together may have 4096 processes.": (
        f"{LIMITS}::test_processes_and_memory_are_not_the_hosts",
        f"{LIMITS}::test_a_build_that_fills_the_disk_is_stopped_and_what_it_wrote_is_gone",
    ),
    "- Of what files say, a [detected Dockerfile]": (
        "tests/detection/test_hostile.py::test_what_files_say_never_becomes_an_instruction",
        "tests/detection/test_hostile.py::test_nor_does_what_is_in_json",
        "tests/detection/test_hostile.py::test_a_procfile_runs_exactly_what_it_says_and_nothing_else",
    ),
    "- Symbolic links in the repository never lead out of it": (
        f"{BROKEN}::test_a_symbolic_link_is_not_read_as_a_recipe",
        f"{BUILDERS}::test_links_never_lead_out_of_the_repository",
        f"{ESCAPES}::test_a_link_that_is_read_for_the_build_leads_nowhere",
    ),
    # Builds without user namespaces
    "- Nothing falls back to it": (
        f"{BARE}::test_nothing_falls_back_to_fewer_walls",
        f"{BARE}::test_who_may_choose_it_and_what_is_said",
    ),
    "- A step has no rights but those over owners": (
        f"{BARE}::test_a_steps_root_has_few_rights_and_nothing_of_its_host_to_use_them_on",
        f"{BARE}::test_a_device_that_an_image_brings_along_leads_nowhere",
    ),
    "- Its build has a network of its own behind": (
        f"{BUILDERS}::test_a_step_reaches_neither_the_host_nor_its_processes",
        f"{BARE}::test_an_image_is_pulled_without_a_user_namespace_and_nothing_of_the_host_is_asked",
    ),
    # Builds with BuildKit
    "- A step with BuildKit reaches no address": (
        f"{BUILDERS}::test_a_step_reaches_neither_the_host_nor_its_processes",
        f"{KIT}_daemons.py::test_what_would_be_less_isolated_is_refused_with_the_fix",
        "tests/deploy/test_files.py::test_buildkit_runs_without_root_behind_the_fence_and_its_socket_is_the_agents_alone",
    ),
    "- The daemon fetches no image": (
        f"{KIT}_dialect.py::test_what_would_be_fetched_or_reach_the_host_is_refused_with_its_line",
        f"{KIT}_dialect.py::test_no_directive_chooses_what_reads_the_file",
    ),
    "- Projects share neither layers": (f"{BUILDERS}::test_projects_share_neither_layers_nor_caches_of_steps",),
    "- A symbolic link in the repository leads": (
        f"{ESCAPES}::test_a_link_that_is_read_for_the_build_leads_nowhere",
        f"{BUILDERS}::test_links_never_lead_out_of_the_repository",
    ),
    # Pulls
    "- The engine pulls nothing that a repository names.": (
        f"{PULLS}::test_an_image_comes_from_a_registry_that_the_operator_allows",
        f"{PULLS}::test_nothing_of_the_host_is_asked_whoever_names_it",
    ),
    "- Whatever leads there, that user connects to": (
        f"{PULLS}::test_nothing_of_the_host_is_asked_whoever_names_it",
        "tests/builds/test_registries.py::test_closed_and_open_addresses_are_distinguished",
    ),
    "- What the operator allows is open": (
        "tests/builds/test_registries.py::test_what_the_operator_allows_comes_before_what_is_closed",
        "tests/builds/test_registries.py::test_the_engines_settings_count",
    ),
    "- Messages and deployment logs quote nothing that a server answered.": (
        f"{PULLS}::test_messages_about_a_registrys_answer_are_our_own",
    ),
    "- A pulled image cannot pass for a preview's.": (
        f"{PULLS}::test_an_image_that_pretends_to_be_a_previews_is_refused",
    ),
    **OF_POLICIES,
    **OF_ACCESS,
    **OF_TUNNELS,
    **OF_VARIABLES,
    **OF_REGISTRIES,
    **OF_WALLS,
    **OF_SCREENSHOTS,
    # Repositories
    "- git runs without hooks": (
        "tests/checkouts/test_cache.py::test_hooks_and_configuration_of_the_repository_do_nothing",
        "tests/checkouts/test_cache.py::test_export_is_exact_in_spite_of_attributes",
        "tests/forges/test_local_forge.py::test_nothing_that_a_repository_configures_is_run",
    ),
    "- Paths that lead out of the repository": (
        "tests/checkouts/test_hostile.py::test_nothing_is_written_outside",
        "tests/checkouts/test_hostile.py::test_a_tree_of_billions_of_files_is_not_listed",
        "tests/checkouts/test_hostile.py::test_a_commit_of_many_gigabytes_is_not_written_out",
    ),
    # Code hosts
    "- A connection's token and webhook secret are stored sealed": (
        "tests/triggers/test_connections.py::test_the_credential_is_shown_to_nobody",
        "tests/triggers/test_connection_pages.py::test_connect_choose_and_see_the_webhook",
        "e2e/test_github.py::test_from_connecting_to_the_last_trace",
    ),
    "- A token goes to its own code host and nowhere else": (
        "tests/forges/test_hosted.py::test_a_renamed_repository_is_followed_and_another_host_is_not",
    ),
    "- Nothing that is written below a merge request is an order to GitLab": (
        "tests/forges/test_gitlab_reviews.py::test_nothing_that_we_write_is_an_order",
    ),
    "- No request of the control plane goes to a link-local or metadata address": (
        "tests/installation/test_airgapped.py::test_where_clouds_keep_credentials_nobody_asks_whoever_connects_it",
        "tests/installation/test_airgapped.py::test_nor_by_a_name",
        "tests/installation/test_airgapped.py::test_nor_by_a_gateway",
        "tests/installation/test_airgapped.py::test_private_networks_are_only_for_configured_hosts",
        "tests/installation/test_airgapped.py::test_a_connection_goes_where_the_check_has_looked",
    ),
    "- With `AIRGAPPED=True` the control plane asks": (
        "tests/installation/test_airgapped.py::test_nothing_else_is",
        "tests/installation/test_airgapped.py::test_no_client_is_made_anywhere_else",
        "e2e/test_github.py::test_from_connecting_to_the_last_trace",
    ),
    "- Only `airgap_smoketest --check-isolation` tries": (
        "tests/airgap/test_isolation.py::test_nobody_else_in_the_control_plane_goes_there",
        "tests/airgap/test_isolation.py::test_nor_opens_connections_of_its_own",
        "tests/airgap/test_isolation.py::test_the_known_name_answers",
    ),
    "- With a GitHub App, an agent that fetches": (
        "tests/forges/test_github_app.py::test_an_agent_gets_a_token_that_reads_one_repository",
        "tests/forges/test_github_app.py::test_no_token_is_in_a_log_or_an_error",
    ),
    "- An App is created only in the session that began it": (
        "tests/triggers/test_github_app_manifest.py::test_two_clicks_make_an_app_and_its_connection",
        "tests/triggers/test_github_app_manifest.py::test_what_was_not_begun_here_is_not_finished",
        "tests/triggers/test_github_app_manifest.py::test_somebody_who_lost_the_right_cannot_finish",
        "tests/triggers/test_github_app.py::test_who_may_not_write_gives_no_orders",
    ),
    "- An authorization (OAuth) is begun with a form of ours": (
        f"{AUTHORIZING}::test_a_form_a_button_there_and_it_is_connected",
        f"{AUTHORIZING}::test_what_was_not_begun_here_is_not_finished",
        f"{AUTHORIZING}::test_who_may_not_connect_may_not_authorize",
        f"{AUTHORIZING}::test_somebody_who_lost_the_right_meanwhile_cannot_finish",
        f"{AUTHORIZING}::test_the_application_of_sign_in_goes_to_its_own_address_only",
        f"{RENEWING}::test_the_pair_shows_its_secrets_to_nobody",
    ),
    "- Tokens that nothing uses any more are withdrawn at GitLab": (
        f"{RENEWING}::test_it_is_withdrawn_when_the_connection_is_removed",
        f"{AUTHORIZING}::test_authorizing_again_is_for_the_same_account",
        f"{AUTHORIZING}::test_a_token_takes_the_place_of_an_authorization",
    ),
    "- Every webhook must be signed with the connection's secret.": (
        f"{HOOKS}::test_a_wrong_signature_is_stored_as_such_and_its_body_cut",
    ),
    "- A pull request from a fork gets no preview before somebody": (
        f"{FORKS}::test_an_approval_is_for_one_commit_and_gone_with_the_next_push",
        f"{FORKS}::test_only_some_may_approve",
        f"{FORKS}::test_nothing_else_builds_it",
        f"{FORKS}::test_a_comment_approves_nothing_that_is_pushed_after_it",
    ),
    "- Commands in comments are carried out only for accounts of": (
        f"{COMMANDS}::test_a_stranger_gets_a_reaction_and_nothing_else",
        f"{COMMANDS}::test_what_a_comment_says_of_its_author_is_not_believed",
    ),
    "- At the webhook addresses that name no connection": (
        "tests/forges/test_shared_door.py::test_what_nobody_signed_is_refused_and_stored_nowhere",
        "tests/forges/test_shared_door.py::test_what_a_stranger_can_have_hashed_is_bounded",
    ),
    "- Only admins of a workspace see its deliveries": (
        "tests/triggers/test_deliveries.py::test_the_wrong_person_finds_nothing",
        "tests/triggers/test_deliveries.py::test_a_rejected_one_cannot_be_replayed_and_it_is_said_why",
    ),
    # Sign-in
    "[How to set it up](sign-in.md).": (f"{COMING}::test_only_what_is_needed_is_asked_for",),
    "- Through a provider, only accounts come in": (
        f"{COMING}::test_whoever_a_list_names_comes_in",
        f"{COMING}::test_nobody_else_does_and_the_lists_stay_unsaid",
        f"{STAYING}::test_nobody_else_uses_an_invitation",
        f"{STAYING}::test_an_invitation_that_is_late_or_taken_back_counts_no_more",
    ),
    "- Neither an e-mail address nor a name leads": (
        f"{COMING}::test_a_name_that_is_taken_leads_to_nobodys_account",
        f"{LINKING}::test_an_address_leads_to_nobodys_account",
        f"{LINKING}::test_without_saying_again_who_it_is_nothing_begins",
        f"{LINKING}::test_an_account_that_is_somebody_elses_stays_theirs",
    ),
    "- Whoever has left an organisation or a group": (
        f"{STAYING}::test_whoever_left_does_not_come_back_and_what_they_had_open_ends",
        f"{STAYING}::test_a_session_ends_at_its_hour_however_busy_it_is",
        f"{LINKING}::test_whoever_a_list_let_in_does_not_outlive_it_by_another_account",
        f"{SECOND}::test_whoever_comes_through_a_provider_has_a_passkey_only_as_a_second_step",
    ),
    "- The role map gives no more than it says": (
        f"{STAYING}::test_what_somebody_is_there_gives_the_role_here_and_no_more",
        f"{STAYING}::test_roles_follow_at_the_next_sign_in_and_are_recorded",
        f"{STAYING}::test_a_role_set_by_hand_stays",
    ),
    "- No token of a provider is stored": (
        f"{COMING}::test_no_token_of_a_provider_is_kept_anywhere",
        f"{PROBLEMS}::test_a_metadata_address_is_never_asked",
        f"{PROBLEMS}::test_whatever_it_answers_there_is_a_page",
    ),
    "- A sign-in begins only with a form of ours": (
        f"{PROBLEMS}::test_only_a_form_of_ours_begins_a_sign_in",
        f"{PROBLEMS}::test_a_sign_in_is_used_once_and_by_whoever_began_it",
        f"{COMING}::test_whoever_wanted_a_page_gets_there_and_nowhere_else",
    ),
    "- Second factors cannot be guessed or repeated.": (
        f"{SECOND}::test_guessing_codes_has_a_limit",
        f"{SECOND}::test_a_code_counts_once",
        f"{SECOND}::test_secrets_are_sealed_and_in_no_log",
        f"{SECOND}::test_a_page_of_a_preview_cannot_use_or_make_one",
        f"{SECOND}::test_changing_what_protects_an_account_asks_again_who_it_is",
    ),
    "- `AUTH_REQUIRE_SECOND_FACTOR` leaves a session": (
        f"{SECOND}::test_whoever_has_only_a_password_can_only_add_a_second_factor",
        f"{SECOND}::test_recovery_codes_alone_are_no_second_factor",
    ),
    # The bus and the fleet
    "- An agent's credential reads its own desired state": (
        f"{PERMISSIONS}::test_watches_its_own_desired_state",
        f"{PERMISSIONS}::test_may_not_publish_there",
        f"{PERMISSIONS}::test_may_not_listen_there",
        "tests/worker/test_observed.py::test_the_bus_identifies_the_sender_not_the_payload",
    ),
    "- Events and log lines count only from the agent": (
        "tests/worker/test_two_agents.py::test_late_and_false_reports_of_both_change_nothing",
        "tests/policies/test_evaluations.py::test_only_the_agent_that_took_it_is_believed",
    ),
    "- An agent that is about to fetch a private repository": (
        "tests/worker/test_grants.py::test_an_agent_that_no_longer_has_the_preview_gets_no_credential",
        f"{CREDENTIALS}::test_only_the_asker_can_open_it",
        f"{CREDENTIALS}::test_nobody_else_and_nothing_else_and_the_forge_is_not_even_asked",
        f"{CREDENTIALS}::test_an_answer_goes_nowhere_but_to_the_askers_inbox",
    ),
    "- The control plane may ask an agent what its host is like": (
        "tests/fleet/test_surveys.py::test_what_is_no_question_of_ours_gets_no_answer",
        "tests/agent/test_survey.py::test_a_lookout_has_the_walls_of_a_sandbox_and_is_gone_afterwards",
        "tests/agent/test_survey.py::test_a_lookout_that_hangs_or_is_cancelled_is_removed",
        f"{PERMISSIONS}::test_may_not_publish_there",
    ),
    "- A bootstrap token works once": (
        "tests/fleet/test_registration.py::test_token_is_exchanged_once_for_a_limited_credential",
        "tests/fleet/test_registration.py::test_unknown_expired_and_replaced_tokens_are_refused",
        "tests/fleet/test_registration.py::test_only_the_hash_is_kept",
    ),
    "- An agent says nothing to a control plane or bus on another host without TLS": (
        "tests/worker/test_agent_elsewhere.py::test_an_agent_of_another_host_joins_over_tls_and_says_nothing_without_it",
        "tests/bus/test_cluster.py::test_nothing_is_said_to_a_server_without_tls_behind_a_tls_address",
        "tests/bus/test_cluster.py::test_a_node_with_another_authority_is_not_let_in",
    ),
    "- Previews on a host with `GALLEY_AGENT_ADDRESS`": (
        "tests/agent/test_doors.py::test_the_ingress_of_another_host_gets_in_by_its_door_and_nobody_else_and_by_no_other_way",
        "tests/environments/test_doors.py::test_without_rules_it_is_said_and_endpoints_stay_what_they_are",
    ),
    # Secrets
    "`e2e/test_strangers.py` looks for every key": (
        f"{STRANGERS}::test_secrets_are_in_their_files_and_with_who_needs_them",
        "tests/vault/test_envelope.py::test_it_opens_nowhere_else",
        "tests/vault/test_encrypted_field.py::test_a_ciphertext_moved_to_another_row_does_not_open",
        "tests/accounts/test_api_tokens.py::test_a_token_signs_in_and_is_not_kept",
    ),
    "Source credentials are never stored": (
        "tests/worker/test_credentials_leave_no_trace.py::test_no_password_is_found_anywhere",
        "tests/checkouts/test_credentials.py::test_another_host_that_git_is_redirected_to_gets_no_credential",
        "tests/checkouts/test_credentials.py::test_a_server_that_repeats_the_credential_does_not_leak_it",
    ),
    # Pages and API
    "- Every page, call and stream asks `accounts.access`": (
        f"{DOORS}::test_the_api_knows_nobody_without_a_token",
        f"{DOORS}::test_pages_are_for_people_who_signed_in",
        f"{DOORS}::test_the_lists_of_what_is_open_name_what_there_is",
        f"{STRANGERS}::test_a_stranger_gets_nothing",
    ),
    "- A waiver takes two people": (
        f"{WAIVERS}::test_nobody_approves_what_they_asked_for",
        f"{WAIVERS}::test_not_even_when_they_asked_in_a_comment",
        f"{WAIVERS}::test_a_new_version_of_the_policy_ends_it",
        f"{WAIVERS}::test_reason_and_end_are_mandatory",
        "tests/policies/test_waiver_doors.py::test_deciding_takes_an_admin",
        "tests/policies/test_waiver_doors.py::test_not_even_an_owner_approves_their_own",
    ),
    "- A token with [scopes]": (
        f"{SCOPES}::test_a_token_may_what_its_scopes_allow_and_nothing_else",
        f"{SCOPES}::test_no_scope_lets_a_program_decide_what_people_decide",
        f"{SCOPES}::test_a_token_with_scopes_always_expires",
        f"{SCOPES}::test_a_token_with_scopes_makes_no_tokens",
        f"{SCOPES}::test_the_page_asks_who_they_are_shows_a_token_once_and_revokes_it",
    ),
    "- `/mcp`, for coding assistants": (
        f"{ASSISTANTS}::test_only_a_token_with_scopes_that_is_valid_lets_anybody_in",
        f"{ASSISTANTS}::test_pages_of_other_sites_and_other_hosts_are_turned_away",
        "tests/assistants/test_tools.py::test_text_of_others_is_escaped_and_said_to_be_data",
        "tests/assistants/test_tools.py::test_writes_take_the_role_and_the_scope_and_are_recorded",
        "tests/assistants/test_tools.py::test_no_tool_and_no_scope_approves_a_waiver",
    ),
    "- Scripts and styles come from our own files only": (
        "tests/installation/test_pages_are_guarded.py::test_nothing_inline_and_nothing_from_elsewhere",
    ),
    "- Each sign-in starts a new session.": (
        f"{STRANGERS}::test_a_session_is_new_at_sign_in_and_changes_nothing_without_its_token",
        "tests/accounts/test_api_tokens.py::test_a_session_works_too_but_changes_need_its_csrf_token",
        f"{SIGN_IN}::test_guessing_is_slowed_down",
        f"{SIGN_IN}::test_strangers_who_guess_lock_themselves_out_and_not_the_owner",
        f"{SIGN_IN}::test_a_network_of_ipv6_is_one_stranger",
        f"{SIGN_IN}::test_a_web_process_that_was_killed_has_not_forgotten_the_guesses",
    ),
    "- Behind HTTPS the cookies have the `__Host-` prefix.": (
        "tests/installation/test_cookies.py::test_behind_https_no_preview_can_set_our_cookies",
    ),
    "- Under host names of previews the web process": (
        "tests/installation/test_own_hosts.py::test_under_the_host_of_a_preview_there_is_its_stand_in_and_nothing_else",
        "tests/installation/test_own_hosts.py::test_under_a_name_that_nobody_configured_nothing_answers",
    ),
    "- An address belongs to the workspace": (
        f"{LABELS}::test_the_address_of_a_closed_preview_goes_to_no_other_workspace",
        f"{LABELS}::test_news_of_an_agent_moves_no_address_to_another_preview",
    ),
    "- Webhooks are refused without a valid signature": (
        f"{HOOKS}::test_a_wrong_signature_is_stored_as_such_and_its_body_cut",
        f"{HOOKS}::test_without_a_stored_secret_nothing_is_accepted",
        f"{HOOKS}::test_the_worker_is_woken_when_the_delivery_is_there_and_not_before",
        f"{HOOKS}::test_a_body_over_25_mb_is_refused_unread",
    ),
    "- What comes before a request's body is limited": (
        f"{SLOW}::test_what_never_ends_is_cut_off_before_it_costs_anything",
        f"{SLOW}::test_a_client_that_never_ends_its_header_is_disconnected",
        f"{SLOW}::test_a_body_for_nobody_is_not_waited_for",
        f"{SLOW}::test_a_body_that_never_comes_is_not_waited_for_either",
    ),
    # Terminals and logs
    "What the code under trial writes": (
        "tests/wire/test_visible.py::test_what_a_terminal_obeys_or_hides_is_written_out",
        "tests/cli/test_hostile.py::test_every_command_is_attacked_here",
        "tests/cli/test_hostile.py::test_only_the_terminal_prints",
        "tests/cli/test_hostile.py::test_documents_are_ascii",
        "tests/dashboard/test_coloured.py::test_a_program_writes_no_html",
    ),
}  # fmt: skip
