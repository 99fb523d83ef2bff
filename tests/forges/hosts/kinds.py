"""The forges that are played here, for the suites that each of them passes. A new one is added here."""

from tests.forges.hosts.gitea import ForgejoSite, GiteaSite
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.site import Site

SITES: dict[str, type[Site]] = {
    "github": GitHubSite,
    "gitlab": GitLabSite,
    "gitea": GiteaSite,
    "forgejo": ForgejoSite,
}
# Those that say how many requests are left, and send nothing again that its ETag shows to be unchanged.
COUNTING = [name for name, site in SITES.items() if site.counts]
