"""Users as operators see them, and what operators do for them."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.flow.operators.devices import device_summary
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.pages import Page
from ciba_service.flow.operators.unblocking import Unblocking
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_documents import (
    ActivationCode,
    OpenPrompt,
    UserAccount,
    access_summary,
    activation_code,
    blocked_client,
)
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.operators.user_search import UserSearch
from ciba_service.flow.operators.user_summaries import UserSummaries, UserSummary
from ciba_service.flow.phones.activation import Activations, HasPhone
from ciba_service.flow.phones.lasting_accesses import LastingAccesses
from ciba_service.ports import (
    Clock,
    DeviceStore,
    LedgerStore,
    PromptStore,
    StandingStore,
    UserDirectory,
)
from ciba_service.protocol.operators.cursors import LARGEST_PAGE, cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.transaction.identifiers import is_transaction_id
from ciba_service.sca.phones.devices import UserTag, user_tag

__all__ = ["OperatedUsers", "UserActs"]

_MOST_LOOKED_AT: Final = 1_000


class _Place(msgspec.Struct, frozen=True):
    sub: str


@dataclass(frozen=True, slots=True)
class UserActs:
    """The steps that operators take for users."""

    unlocking: Unlocking
    unblocking: Unblocking
    reset: UserReset
    activations: Activations


class OperatedUsers:
    """``subjects`` are all there are; ``second_secret`` says whether a code comes with one."""

    def __init__(
        self,
        *,
        subjects: Sequence[str],
        users: UserDirectory,
        summaries: UserSummaries,
        devices: DeviceStore,
        standing: StandingStore,
        prompts: PromptStore,
        ledgers: LedgerStore,
        accesses: LastingAccesses,
        acts: UserActs,
        second_secret: bool,
        journal: OperatorJournal,
        clock: Clock,
    ) -> None:
        self._subjects = sorted(subjects)
        self._users = users
        self._summaries = summaries
        self._devices = devices
        self._standing = standing
        self._prompts = prompts
        self._ledgers = ledgers
        self._accesses = accesses
        self._acts = acts
        self._second_secret = second_secret
        self._journal = journal
        self._clock = clock

    async def page(self, after: str | None, sought: UserSearch, *, limit: int) -> Page[UserSummary]:
        """Users by subject identifier; one round trip, or ten where only locked ones are sought.

        Raises ``OperatorRefused`` for the cursor.
        """
        place = None if after is None else parse_cursor(after, _Place)
        subjects = sought.among(self._subjects)
        first = 0 if place is None else bisect_right(subjects, place.sub)
        if sought.only_locked:
            return await self._locked(subjects[first:], limit)
        shown = subjects[first : first + limit]
        items = await asyncio.gather(*map(self._summary, shown))
        has_more = first + limit < len(subjects)
        return Page(items=tuple(items), next=cursor(_Place(shown[-1])) if has_more else None)

    async def show(self, subject: str) -> UserAccount:
        """One user; raises ``OperatorRefused`` when there is none."""
        await self._known(subject)
        tag, now = user_tag(subject), self._clock.now_ms()
        summary, phones, blocks, prompts, accesses = await asyncio.gather(
            self._summary(subject),
            self._devices.list(tag),
            self._standing.blocks(tag, now=now),
            self._open_prompts(tag, now),
            self._accesses.of_user(tag),
        )
        return UserAccount(
            sub=subject,
            enabled=summary.enabled,
            failed_attempts=summary.failed_attempts,
            locked=summary.locked,
            phones=tuple(device_summary(subject, each) for each in phones),
            blocked_clients=tuple(map(blocked_client, blocks)),
            open_prompts=prompts,
            lasting_accesses=tuple(map(access_summary, accesses)),
        )

    async def unlock(self, acting: ActingOperator, subject: str) -> None:
        """Forget failed attempts; raises as ``show``."""
        with self._journal.writes(acting, "users unlock", user=user_tag(subject)):
            await self._known(subject)
            await self._acts.unlocking.unlock(subject)

    async def unblock(self, acting: ActingOperator, subject: str, client_id: str) -> None:
        """Let a client ask again, whether it was blocked or not; raises as ``show``."""
        with self._journal.writes(
            acting, "users unblock", user=user_tag(subject), client_id=client_id
        ):
            await self._known(subject)
            await self._acts.unblocking.unblock(subject, client_id)

    async def end_access(self, acting: ActingOperator, subject: str, transaction_id: str) -> None:
        """End an access that lasts, now or before; raises as ``show``, or when there is none."""
        if not is_transaction_id(transaction_id):
            raise OperatorRefused(Problem.NOT_FOUND)
        with self._journal.writes(
            acting, "accesses end", user=user_tag(subject), transaction_id=transaction_id
        ):
            await self._known(subject)
            if not await self._accesses.end_of_user(user_tag(subject), transaction_id):
                raise OperatorRefused(Problem.NOT_FOUND)

    async def reset(self, acting: ActingOperator, subject: str) -> ActivationCode:
        """Revoke every phone and make a code for a first one.

        Raises:
            OperatorRefused: there is no such user, or a phone was enrolled in the meantime.
        """
        with self._journal.writes(acting, "users reset", user=user_tag(subject)):
            await self._known(subject)
            try:
                return activation_code(await self._acts.reset.reset(subject))
            except HasPhone:
                raise OperatorRefused(Problem.HAS_PHONE) from None

    async def activate(
        self, acting: ActingOperator, subject: str, *, further: bool
    ) -> ActivationCode:
        """Make a code for a phone.

        Raises:
            OperatorRefused: no such user, or one with a phone, where it is not for a further one.
        """
        with self._journal.writes(acting, "users activate", user=user_tag(subject)):
            await self._known(subject)
            try:
                return activation_code(
                    await self._acts.activations.issue(
                        subject, further=further, with_second_secret=self._second_secret
                    )
                )
            except HasPhone:
                raise OperatorRefused(Problem.HAS_PHONE) from None

    async def _locked(self, subjects: Sequence[str], limit: int) -> Page[UserSummary]:
        """The first that are locked, of the first thousand."""
        found: list[UserSummary] = []
        looked_at = 0
        while looked_at < min(len(subjects), _MOST_LOOKED_AT) and len(found) < limit:
            step = subjects[looked_at : looked_at + LARGEST_PAGE]
            summaries = await asyncio.gather(*map(self._summary, step))
            found += [each for each in summaries if each.locked]
            looked_at += len(step)
        shown = found[:limit]
        if len(found) > limit:
            return Page(items=tuple(shown), next=cursor(_Place(shown[-1].sub)))
        has_more = looked_at < len(subjects)
        last = cursor(_Place(subjects[looked_at - 1])) if has_more else None
        return Page(items=tuple(shown), next=last)

    async def _summary(self, subject: str) -> UserSummary:
        user = await self._users.find_subject(subject)
        return await self._summaries.of(subject, enabled=user is not None and user.enabled)

    async def _open_prompts(self, tag: UserTag, now: int) -> tuple[OpenPrompt, ...]:
        names = await self._prompts.open(tag, now=now)
        found = await asyncio.gather(*(self._ledgers.read(name, now=now) for name in names))
        return tuple(
            OpenPrompt(ledger.transaction_id, ledger.client_id)
            for ledger in found
            if ledger is not None
        )

    async def _known(self, subject: str) -> None:
        if await self._users.find_subject(subject) is None:
            raise OperatorRefused(Problem.NOT_FOUND)
