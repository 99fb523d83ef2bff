"""Who neither wakes a preview nor keeps it awake: programs that look whether it is there, and browsers that guess what comes next."""

import re
from collections.abc import Mapping

# Of load balancers, orchestrators and services that watch for outages; of chats, mail and social networks that show a link's
# title. As each says in its documentation.
_NOBODY = re.compile(
    r"kube-probe|GoogleHC|ELB-HealthChecker|Amazon-Route53-Health-Check|AlwaysOn|Edge Health Probe|Consul Health Check"
    r"|Blackbox[ -]Exporter|check_http|UptimeRobot|Uptime-Kuma|Pingdom|StatusCake|BetterStack|Better Uptime|Site24x7|NewRelicPinger"
    r"|DatadogSynthetics|Datadog/Synthetics|GoogleStackdriverMonitoring|HetrixTools|updown\.io|Checkly|Hyperping|Freshping|OhDear"
    r"|Slackbot|Slack-ImgProxy|Twitterbot|facebookexternalhit|Facebot|LinkedInBot|Discordbot|TelegramBot|WhatsApp|SkypeUriPreview"
    r"|MicrosoftPreview|Mattermost|Zulip|Synapse|Mastodon|Iframely|Embedly|redditbot|Pinterestbot|Applebot|Googlebot|bingbot"
    r"|GitHub-Camo|GitLab-URL-Checker|Notion|Viber|Google-PageRenderer|Chrome-Lighthouse-Prefetch",
    re.IGNORECASE,
)
PREFETCHES = ("Sec-Purpose", "Purpose", "X-Moz")
LOOK = "X-Galley-Look"  # of the page that waits until a preview has woken: it only looks
READ = ("User-Agent", *PREFETCHES)  # headers that decide it


def counts(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers comes from a visitor. A request without a user agent does."""
    if any("prefetch" in headers.get(name, "").lower() for name in PREFETCHES):
        return False
    return _NOBODY.search(headers.get("User-Agent", "")) is None
