"""Every tool, by the scope that it takes. docs/mcp.md lists them; a test compares."""

from seatrial.control.accounts.access import Scope
from seatrial.control.assistants.explaining import explain_failure, get_evaluation
from seatrial.control.assistants.logs import get_preview_logs
from seatrial.control.assistants.tools import Tool, tool
from seatrial.control.assistants.writing import save_policy
from seatrial.control.policies import api as evaluations
from seatrial.control.policies.authoring import api as policies
from seatrial.control.policies.trials import api as trials
from seatrial.control.policies.waivers import api as waivers
from seatrial.control.previews import api as previews
from seatrial.control.previews import pulls
from seatrial.control.projects import api as projects

READ = [
    tool(
        Scope.READ,
        projects.list_projects,
        "List the repositories under trial. Most other tools take the id of one.",
    ),
    tool(
        Scope.READ,
        pulls.list_pulls,
        "List a project's open pull requests, the newest first.",
        name="list_pull_requests",
    ),
    tool(
        Scope.READ,
        evaluations.list_evaluations,
        "List evaluations, the newest first: what the policies say of a commit. To find what is red in a pull request: "
        "`project`, `number` and `current`.",
    ),
    tool(
        Scope.READ,
        get_evaluation,
        "One evaluation: its verdict, and each policy's in a line. Ask again every few seconds while it is queued or running; "
        "then explain_failure says what to do.",
    ),
    tool(
        Scope.READ,
        explain_failure,
        "Why an evaluation is not green, and what would fix it: for each policy that failed or broke, what it demands and why, "
        "every finding with its file and line, a patch where the policy knows one and the command that applies it, and what "
        "would waive it and who decides that.",
    ),
    tool(
        Scope.READ,
        previews.list_environments,
        "List previews: the running copies of pull requests.",
        name="list_previews",
    ),
    tool(
        Scope.READ,
        previews.get_environment,
        "One preview: its state, its addresses, and the newest deployment with its phases, why it failed, and the last lines of "
        "what failed.",
        name="get_preview",
    ),
    tool(
        Scope.READ,
        get_preview_logs,
        "The newest lines that a preview's builds and services printed, the oldest first.",
    ),
    tool(Scope.READ, policies.list_policies, "List policies, without their code."),
    tool(Scope.READ, policies.get_policy, "One policy with its code, its parameters and its criteria."),
    tool(
        Scope.READ,
        trials.get_trial,
        "One trial: what came of test_policy or try_policy. Ask until its state is finished.",
    ),
    tool(Scope.READ, trials.get_replay, "One replay: what came of replay_policy so far."),
    tool(
        Scope.READ,
        waivers.list_waivers,
        "List waivers: failures that do not count for a while, and requests for that.",
    ),
]
POLICIES_RUN = [
    tool(
        Scope.POLICIES_RUN,
        evaluations.evaluate,
        "Evaluate a commit now. A push to a pull request is evaluated by itself: this is for commits without one. get_evaluation "
        "says what came of it.",
        name="run_evaluation",
    ),
    tool(
        Scope.POLICIES_RUN,
        evaluations.run_again,
        "Run an evaluation again: the same commit of the same pull request. For when something broke that is not the change. "
        "get_evaluation says what came of the one that is returned.",
        name="run_evaluation_again",
    ),
    tool(
        Scope.POLICIES_RUN,
        trials.test_files,
        "Run the tests that policies bring (TESTS in their files), without saving anything. get_trial says what came of it.",
        name="test_policy",
        repeatable=False,
    ),
    tool(
        Scope.POLICIES_RUN,
        trials.test_policy,
        "Run the tests of a saved policy's newest version. Until they pass, nobody can raise its level beyond advisory. get_trial says "
        "what came of it.",
        name="test_saved_policy",
        repeatable=False,
    ),
    tool(
        Scope.POLICIES_RUN,
        trials.try_file,
        "Run the code of a policy once on a commit, without saving anything or changing a verdict. get_trial says what came of it.",
        name="try_policy",
        repeatable=False,
    ),
    tool(
        Scope.POLICIES_RUN,
        trials.replay_policy,
        "Run a saved policy on many commits beside the version in force: what would fail newly, and what would pass newly. Nobody "
        "is notified. get_replay says what came of it.",
        repeatable=False,
    ),
    tool(
        Scope.POLICIES_RUN,
        trials.cancel_replay,
        "End a replay early. What it has found is kept.",
        destroys=True,
    ),
]
POLICIES_WRITE = [
    tool(
        Scope.POLICIES_WRITE,
        save_policy,
        "Write a policy, or the next version of one. A new one is a draft, which fails no check until a person raises its level; a "
        "new version counts from the next evaluation on. Test it first.",
        destroys=True,
        repeatable=False,
    ),
]
PREVIEWS_WRITE = [
    tool(
        Scope.PREVIEWS_WRITE,
        previews.rebuild,
        "Build the newest commit of a preview again, without caches. What is live stays until the new version is.",
        name="rebuild_preview",
        repeatable=False,
    ),
    tool(
        Scope.PREVIEWS_WRITE,
        previews.extend,
        "Let a preview live longer, by its project's time to live.",
        name="extend_preview",
        repeatable=False,
    ),
    tool(
        Scope.PREVIEWS_WRITE,
        previews.wake,
        "Wake a preview that sleeps. It answers within seconds.",
        name="wake_preview",
    ),
    tool(
        Scope.PREVIEWS_WRITE,
        previews.stop,
        "Stop a preview. Until `undo_until` that can be undone; then its data is gone.",
        name="stop_preview",
        destroys=True,
    ),
    tool(Scope.PREVIEWS_WRITE, previews.undo, "Undo that a preview was stopped.", name="undo_stop_preview"),
]
WAIVERS_REQUEST = [
    tool(
        Scope.WAIVERS_REQUEST,
        waivers.request_waiver,
        "Ask that a failure does not count for a while. It waives nothing until a person who did not ask for it approves it. Mend "
        "what is wrong instead where you can.",
        repeatable=False,
    ),
]
TOOLS: dict[str, Tool] = {
    one.name: one for one in [*READ, *POLICIES_RUN, *POLICIES_WRITE, *PREVIEWS_WRITE, *WAIVERS_REQUEST]
}
