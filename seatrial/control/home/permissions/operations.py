"""What each operation of the REST API takes: method, and address below /api/v1."""

from seatrial.control.accounts.access import Action
from seatrial.control.home.permissions.apart import Apart

OPERATIONS: dict[Action | Apart, str] = {
    Apart.OPEN: """
        POST webhooks/{forge}/{connection}
        POST webhooks/{forge}
        POST agents/register
        GET signing-keys
    """,
    Apart.OWN: """
        GET tokens
        POST tokens
        DELETE tokens/{token_id}
        GET memberships
        DELETE memberships/{workspace}
        GET invitations
        POST invitations/{invitation}/accept
        POST invitations/{invitation}/decline
    """,
    Action.VIEW: """
        GET environments
        GET environments/{environment_id}
        GET environments/{environment_id}/log
        GET deployments/{deployment}/screenshots
        GET deployments/{deployment}/comparison
        GET screenshots/{screenshot}/picture
        GET screenshots/{screenshot}/difference
        GET projects/{project_id}/snapshots
        GET projects/{project_id}/pulls
        GET projects/{project_id}/pulls/{number}
        GET environments/{environment}/guests
        GET rescans
        GET rescans/{rescan}
        GET rescans/{rescan}/targets
        GET policies/{policy_id}/trials
        GET trials/{trial_id}
        GET policies/{policy_id}/replays
        GET replays/{replay_id}
        GET replays/{replay_id}/trials
        GET evaluations
        GET evaluations/{evaluation_id}
        GET workspaces/{workspace}/packs
        GET policies
        GET policies/{policy}
        GET policies/{policy}/versions
        GET policies/{policy}/versions/{number}
        GET policies/{policy}/diff
        GET workspaces/{workspace}/network
        GET scores
        GET projects/{project}/badge
        GET evaluations/{evaluation_id}/report
        GET evaluations/{evaluation_id}/attestation
        GET workspaces/{workspace}/digest
        GET workspaces/{workspace}/digests
        GET digests/{digest}
        GET workspaces/{workspace}/digest-time
        GET workspaces/{workspace}/policy-source
        GET workspaces/{workspace}/policy-source/reviews
        GET policy-reviews/{review}
        GET waivers
        GET waivers/{waiver_id}
        GET policies/{policy}/rollout
        GET agents
        GET agents/{agent_id}
        GET status
        GET metrics
        GET projects
        GET projects/{project}
    """,
    Action.OPEN_PULL_REQUEST: """
        POST local/pulls
        POST local/pulls/close
    """,
    Action.REBUILD_PREVIEW: """
        POST environments/{environment_id}/rebuild
    """,
    Action.STOP_PREVIEW: """
        POST environments/{environment_id}/stop
        POST environments/{environment_id}/undo
    """,
    Action.EXTEND_PREVIEW: """
        POST environments/{environment_id}/extend
        POST environments/{environment_id}/pin
        POST environments/{environment_id}/unpin
        POST environments/{environment_id}/sleep
        POST environments/{environment_id}/wake
    """,
    Action.RESET_PREVIEW_DATA: """
        POST environments/{environment_id}/reset-data
    """,
    Action.APPROVE_FORK: """
        POST projects/{project_id}/pulls/{number}/approve
    """,
    Action.INVITE_GUEST: """
        POST environments/{environment}/guests
        DELETE guests/{guest}
    """,
    Action.VIEW_VARIABLES: """
        GET projects/{key}/variables
        GET workspaces/{key}/variables
        GET projects/{key}/registries
        GET workspaces/{key}/registries
    """,
    Action.MANAGE_VARIABLES: """
        POST projects/{key}/variables
        PUT projects/{key}/variables/{name}
        DELETE projects/{key}/variables/{name}
        POST projects/{key}/variables/{name}/reveal
        POST projects/{key}/redeploy
        POST workspaces/{key}/variables
        PUT workspaces/{key}/variables/{name}
        DELETE workspaces/{key}/variables/{name}
        POST workspaces/{key}/variables/{name}/reveal
        POST workspaces/{key}/redeploy
        PUT projects/{key}/registries/{registry}
        DELETE projects/{key}/registries/{registry}
        PUT workspaces/{key}/registries/{registry}
        DELETE workspaces/{key}/registries/{registry}
    """,
    Action.RUN_EVALUATION: """
        POST projects/{project}/rescans
        POST projects/{project_id}/evaluations
        POST evaluations/{evaluation_id}/run
    """,
    Action.REQUEST_WAIVER: """
        POST projects/{project_id}/waivers
    """,
    Action.TRY_POLICY: """
        POST policies/tests
        POST policies/trials
        POST policies/replays
        POST policies/{policy_id}/tests
        POST policies/{policy_id}/trials
        POST policies/{policy_id}/replays
        POST replays/{replay_id}/cancel
    """,
    Action.DECIDE_WAIVER: """
        POST waivers/{waiver_id}/approve
        POST waivers/{waiver_id}/reject
        POST waivers/{waiver_id}/withdraw
    """,
    Action.BREAK_GLASS: """
        POST evaluations/{evaluation_id}/break-glass
        POST evaluations/{evaluation_id}/mend-glass
    """,
    Action.VIEW_DELIVERIES: """
        GET deliveries
        GET deliveries/{delivery}
    """,
    Action.REPLAY_DELIVERIES: """
        POST deliveries/{delivery}/replay
    """,
    Action.VIEW_AUDIT: """
        GET audit
        GET audit/export
    """,
    Action.MANAGE_PROJECTS: """
        POST environments/{environment_id}/save-data
        DELETE snapshots/{snapshot_id}
        GET projects/{project}/access
        PUT projects/{project}/access
        POST projects/{project}/access/apply
        GET projects/{project}/bypass-token
        POST projects/{project}/bypass-token
        DELETE projects/{project}/bypass-token
        POST projects/{project}/badge
        DELETE projects/{project}/badge
        PATCH projects/{project}
        DELETE projects/{project}
        POST projects/{project}/archive
        POST projects/{project}/restore
        POST local/projects
    """,
    Action.MANAGE_POLICIES: """
        POST policies/{policy_id}/rescans
        POST workspaces/{workspace}/rescans
        POST rescans/{rescan}/stop
        POST workspaces/{workspace}/packs/{pack}/install
        POST workspaces/{workspace}/policies/import
        POST policies
        PATCH policies/{policy}
        POST policies/{policy}/versions
        POST policies/{policy}/revert
        PATCH workspaces/{workspace}/network
        GET workspaces/{workspace}/subscriptions
        POST workspaces/{workspace}/subscriptions
        DELETE subscriptions/{subscription}
        POST subscriptions/{subscription}/try
        GET subscriptions/{subscription}/notices
        POST subscriptions/{subscription}/notices/{notice}/again
        PATCH workspaces/{workspace}/digest-time
        PATCH workspaces/{workspace}/policy-source
        DELETE workspaces/{workspace}/policy-source
        POST workspaces/{workspace}/policy-source/sync
        PATCH policies/{policy}/kept
        PATCH policies/{policy}/level
        PATCH policies/{policy}/ratchet
        POST policies/{policy}/attachments
        DELETE policies/{policy}/attachments/{attachment}
    """,
    Action.MANAGE_CONNECTIONS: """
        POST authorizations
        GET authorizations/{authorization}
        GET connections
        POST connections
        GET connections/{connection}
        PATCH connections/{connection}
        DELETE connections/{connection}
        POST connections/{connection}/rotate-webhook-secret
        POST connections/{connection}/test
        GET connections/{connection}/repositories
        POST connections/{connection}/projects
        POST github/apps
        POST github/apps/{connection}/private-key
    """,
    Action.MANAGE_MEMBERS: """
        GET workspaces/{workspace}/members
        PATCH workspaces/{workspace}/members/{username}
        DELETE workspaces/{workspace}/members/{username}
        GET workspaces/{workspace}/invitations
        POST workspaces/{workspace}/invitations
        DELETE workspaces/{workspace}/invitations/{invitation}
    """,
    Action.MANAGE_AGENTS: """
        POST agents
        DELETE agents/{agent_id}
        POST agents/{agent_id}/drain
        POST agents/{agent_id}/revoke
        POST agents/{agent_id}/undrain
        GET health/checks
    """,
    Action.MANAGE_KEYS: """
        GET keys
        POST keys/master-key/rewrap
        POST keys/master-key/verify
        POST keys/signing-key/rotate
    """,
    Apart.WHOLE_AUDIT: """
        GET audit/verify
    """,
}
