"""Who somebody is at a provider, as far as signing in is concerned."""

from dataclasses import dataclass, field

from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.listed import RANKS, Listed


@dataclass(frozen=True)
class Identity:
    """An account at a provider, as the provider describes it now.

    `uid` stays the same when the account is renamed. `login` is the name that people know it by: a username, or the
    e-mail address at Google. `belongs` is what it is a member of and as what (one of RANKS); an e-mail domain is in it only
    if the provider has verified the address.
    """

    provider: ProviderKind
    uid: str
    login: str
    belongs: dict[Listed, str] = field(default_factory=dict)

    def rank_in(self, listed: Listed) -> str | None:
        """As what it belongs to `listed`, the highest if it is in several groups below one; None if it does not."""
        ranks = RANKS[listed.source]
        held = [ranks.index(rank) for place, rank in self.belongs.items() if listed.covers(place)]
        return ranks[max(held)] if held else None
