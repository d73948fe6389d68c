"""The venue numbers its reports by account. Heard twice, one is dropped; heard early, it
waits for those before it; what stays missing is to be asked for. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from execution.domain.reports import Said


@dataclass(slots=True)
class InOrder:
    """The reports of each attached account, in order and once each."""

    # The last report delivered of each attached account.
    heard: dict[str, int] = field(default_factory=dict)
    _early: dict[str, dict[int, Said]] = field(default_factory=dict)
    # The highest number that the venue has mentioned, of accounts that lack something.
    _mentioned: dict[str, int] = field(default_factory=dict)

    def attach(self, accounts: Iterable[tuple[str, int]]) -> None:
        """Deliver reports of these accounts, each from after a number."""
        for account, after in accounts:
            self.heard[account] = after
            self._early.pop(account, None)

    def take(self, report: Said) -> Sequence[Said]:
        """The reports that may be delivered now that this one was heard."""
        account, number = report.account, report.sequence
        heard = self.heard.get(account, number - 1)
        if number <= heard:
            return ()
        if number > heard + 1:
            self._early.setdefault(account, {})[number] = report
            self.mention(account, number)
            return ()
        self.heard[account] = number
        if account not in self._mentioned:
            return (report,)
        return self._with_followers(report)

    def skip(self, account: str, number: int) -> None:
        """One that cannot be read holds nothing up."""
        if self.heard.get(account, number - 1) == number - 1:
            self.heard[account] = number

    def mention(self, account: str, number: int) -> None:
        """The venue has said that there is a report of this number."""
        if number > self.heard.get(account, number):
            self._mentioned[account] = max(number, self._mentioned.get(account, 0))

    def lacking(self) -> list[tuple[str, int]]:
        """Accounts of which reports are missing, and the number to ask from."""
        self._mentioned = {
            account: number
            for account, number in self._mentioned.items()
            if self.heard.get(account, 0) < number
        }
        return [(account, self.heard.get(account, 0)) for account in self._mentioned]

    def _with_followers(self, report: Said) -> Sequence[Said]:
        early = self._early.get(report.account, {})
        ready: list[Said] = [report]
        while (following := early.pop(ready[-1].sequence + 1, None)) is not None:
            ready.append(following)
        self.heard[report.account] = ready[-1].sequence
        for number in [number for number in early if number <= ready[-1].sequence]:
            del early[number]
        if not early:
            self._early.pop(report.account, None)
        return ready
