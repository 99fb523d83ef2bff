"""What each page, form and stream takes: methods, and address as in `urls`; `/` is the start page."""

from seatrial.control.accounts.access import Action
from seatrial.control.home.permissions.apart import Apart

PAGES: dict[Action | Apart, str] = {
    Apart.OPEN: """
        GET badge/<str:token>.svg
        GET healthz
        POST mcp
        GET,POST preview-callback/
        GET,POST preview-callback/<path:path>
        GET,POST preview-gate
        GET,POST preview-unavailable
        GET,POST styleguide
        POST theme
    """,
    Apart.OWN: """
        POST invitations/<str:key>/accept
        POST invitations/<str:key>/decline
        GET memberships
        POST memberships/<str:slug>/leave
        POST,GET tokens
        POST tokens/<str:key>/revoke
    """,
    Action.VIEW: """
        GET /
        GET agents
        GET agents/<str:key>
        GET agents/<str:key>/stream
        GET agents/stream
        GET deployments/<str:key>
        GET deployments/<str:key>/compared
        GET digests/<str:key>
        GET environments/<str:key>
        GET environments/<str:key>/enter
        GET,POST environments/<str:key>/guests
        GET environments/<str:key>/log
        GET environments/<str:key>/search
        GET environments/<str:key>/stream
        GET evaluations/<str:key>
        GET evaluations/<str:key>/attestation
        GET evaluations/<str:key>/report/<str:wanted>
        GET evaluations/<str:key>/stream
        GET policies
        GET policies/<str:workspace>/<str:slug>
        GET policies/<str:workspace>/<str:slug>/changes
        GET policies/<str:workspace>/<str:slug>/rollout
        GET policies/<str:workspace>/<str:slug>/trials
        GET policies/<str:workspace>/<str:slug>/trials/stream
        GET policies/<str:workspace>/<str:slug>/versions/<int:number>
        GET policies/catalogue
        GET policies/digest
        GET policies/git
        GET policies/git/reviews/<str:key>
        GET policies/rescans
        GET policies/scores
        GET projects
        GET projects/<str:key>
        GET projects/<str:key>/badge
        GET projects/<str:key>/badge.svg
        GET projects/<str:key>/data
        GET projects/<str:key>/stream
        GET replays/<str:key>
        GET replays/<str:key>/stream
        GET rescans/<str:key>
        GET rescans/<str:key>/stream
        GET stream
        GET trials/<str:key>
        GET trials/<str:key>/outcome
        GET trials/<str:key>/stream
        GET waivers
        GET waivers/<str:key>
    """,
    Action.REBUILD_PREVIEW: """
        GET,POST environments/<str:key>/rebuild
    """,
    Action.STOP_PREVIEW: """
        GET,POST environments/<str:key>/stop
        POST environments/<str:key>/undo
    """,
    Action.EXTEND_PREVIEW: """
        POST environments/<str:key>/extend
        POST environments/<str:key>/pin
        POST environments/<str:key>/sleep
        POST environments/<str:key>/unpin
        POST environments/<str:key>/wake
    """,
    Action.RESET_PREVIEW_DATA: """
        GET,POST environments/<str:key>/reset-data
    """,
    Action.APPROVE_FORK: """
        GET,POST projects/<str:key>/pulls/<str:number>/approve
    """,
    Action.INVITE_GUEST: """
        POST guests/<str:key>/revoke
    """,
    Action.VIEW_VARIABLES: """
        GET <scope:kind>/<str:key>/registries
        GET <scope:kind>/<str:key>/variables
    """,
    Action.MANAGE_VARIABLES: """
        POST <scope:kind>/<str:key>/registries
        GET,POST <scope:kind>/<str:key>/registries/remove
        POST <scope:kind>/<str:key>/variables
        POST <scope:kind>/<str:key>/variables/redeploy
        POST <scope:kind>/<str:key>/variables/reveal
        GET,POST <scope:kind>/<str:key>/variables/unset
    """,
    Action.RUN_EVALUATION: """
        POST evaluations/<str:key>/run
        POST projects/<str:key>/rescan
    """,
    Action.REQUEST_WAIVER: """
        GET,POST evaluations/<str:key>/waive/<str:policy>
    """,
    Action.TRY_POLICY: """
        POST replays/<str:key>/cancel
        POST trials/of/<str:key>/replay
        POST trials/of/<str:key>/test
        POST trials/of/<str:key>/try
        POST trials/unsaved/test
        POST trials/unsaved/try
    """,
    Action.DECIDE_WAIVER: """
        POST waivers/<str:key>/approve
        POST waivers/<str:key>/reject
        POST waivers/<str:key>/withdraw
    """,
    Action.BREAK_GLASS: """
        GET,POST evaluations/<str:key>/break-glass
        POST evaluations/<str:key>/mend-glass
    """,
    Action.VIEW_DELIVERIES: """
        GET deliveries
        GET deliveries/<str:key>
        GET deliveries/<str:key>/stream
    """,
    Action.REPLAY_DELIVERIES: """
        POST deliveries/<str:key>/replay
    """,
    Action.VIEW_AUDIT: """
        GET audit
    """,
    Action.MANAGE_PROJECTS: """
        GET,POST environments/<str:key>/save-data
        GET,POST projects/<str:key>/access
        POST projects/<str:key>/access/apply
        POST projects/<str:key>/access/revoke
        POST projects/<str:key>/access/rotate
        POST projects/<str:key>/access/show
        GET,POST projects/<str:key>/archive
        POST projects/<str:key>/badge/publish
        POST projects/<str:key>/badge/withdraw
        GET,POST projects/<str:key>/remove
        POST projects/<str:key>/restore
        GET,POST projects/<str:key>/settings
        GET,POST snapshots/<str:key>/remove
    """,
    Action.MANAGE_POLICIES: """
        POST policies/<str:workspace>/<str:slug>/attach
        POST policies/<str:workspace>/<str:slug>/detach/<str:key>
        GET,POST policies/<str:workspace>/<str:slug>/edit
        POST policies/<str:workspace>/<str:slug>/exclude
        POST policies/<str:workspace>/<str:slug>/kept
        POST policies/<str:workspace>/<str:slug>/level
        GET,POST policies/<str:workspace>/<str:slug>/parameters
        POST policies/<str:workspace>/<str:slug>/ratchet
        POST policies/<str:workspace>/<str:slug>/revert
        POST policies/<str:workspace>/<str:slug>/switch
        POST policies/catalogue/<str:workspace>/<str:pack>/install
        POST policies/digest/<str:key>/time
        POST policies/git/<str:key>/remove
        POST policies/git/<str:key>/set
        POST policies/git/<str:key>/sync
        GET,POST policies/import
        GET policies/network
        POST policies/network/<str:key>/forbid
        POST policies/network/<str:key>/permit
        GET,POST policies/new
        GET policies/notices
        POST policies/notices/<str:key>/again/<str:notice>
        POST policies/notices/<str:key>/remove
        POST policies/notices/<str:key>/subscribe
        POST policies/notices/<str:key>/try
        POST rescans/<str:key>/stop
        POST rescans/of-policy/<str:key>
        POST rescans/of-workspace/<str:key>
    """,
    Action.MANAGE_CONNECTIONS: """
        GET connections
        GET connections/<str:key>
        GET connections/<str:key>/access
        GET,POST connections/<str:key>/authorize
        GET,POST connections/<str:key>/credential
        GET connections/<str:key>/first
        GET connections/<str:key>/first/stream
        GET connections/<str:key>/installed
        POST connections/<str:key>/name
        GET,POST connections/<str:key>/private-key
        GET,POST connections/<str:key>/remove
        GET,POST connections/<str:key>/repositories
        GET,POST connections/<str:key>/rotate
        POST connections/<str:key>/test
        GET,POST connections/<str:key>/webhook
        GET connections/<str:key>/webhook/stream
        GET,POST connections/authorizations/<str:key>
        GET connections/authorized
        GET,POST connections/github-app
        POST connections/github-app/create
        GET connections/github-app/made
        GET connections/new
        GET,POST connections/new/<str:kind>
        POST connections/new/<str:kind>/authorize
    """,
    Action.MANAGE_MEMBERS: """
        GET,POST people
        POST people/<str:slug>/remove
        POST people/<str:slug>/role
        POST people/invitations/<str:key>/revoke
    """,
    Action.MANAGE_AGENTS: """
        GET,POST agents/<str:key>/drain
        GET,POST agents/<str:key>/remove
        GET,POST agents/<str:key>/revoke
        GET,POST agents/<str:key>/undrain
        GET,POST agents/new
        GET health
        GET health/stream
        GET setup
        GET setup/stream
    """,
    Action.MANAGE_KEYS: """
        GET keys
        POST keys/master-key/rewrap
        POST keys/master-key/verify
        GET,POST keys/signing-key/rotate
        GET keys/stream
    """,
    Apart.WHOLE_AUDIT: """
        POST audit/verify
    """,
}
