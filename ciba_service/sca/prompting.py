"""How often a user may be asked, and what the user's word does to a client (NIST 63B-4 3.1.3.2).

A prompt that nobody approved counts against its client and against all of them together, until the
user approves one or its time is over. Whoever is declined again and again has to pause; whoever
asked for somebody else ("not me") is blocked. The store runs the same rule of the pause as a
script, and a test proves the two equal.
"""

from collections.abc import Collection
from dataclasses import dataclass

from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT

__all__ = ["PromptLimits", "blocked_until", "paused_until"]


@dataclass(frozen=True, slots=True)
class PromptLimits:
    """Limits of one user's prompts; times are in milliseconds, and 0 lifts a limit.

    A user with so many ``failed_attempts`` is not asked at all. Beyond ``open_prompts`` there is
    one place for a client that has none, unless nobody's prompts are counted.

    ``of_user`` prompts without an approval count for ``window``, at most ``of_client`` of them of
    one client. After ``denials`` within ``denial_window`` a client pauses for ``pause``, twice as
    long after each further one, ``longest_pause`` at most. ``block`` is how long "not me" blocks;
    0 until an operator lifts it.
    """

    open_prompts: int
    of_user: int
    of_client: int
    window: int
    denials: int
    denial_window: int
    pause: int
    longest_pause: int
    block: int
    failed_attempts: int = ATTEMPT_LIMIT


def paused_until(denied_at: Collection[int], limits: PromptLimits, now: int) -> int:
    """Until when a client that was denied at these times is not heard; 0 when it may ask."""
    counted = [at for at in denied_at if at > now - limits.denial_window]
    if limits.denials == 0 or len(counted) < limits.denials:
        return 0
    pause = min(limits.pause * 2 ** (len(counted) - limits.denials), limits.longest_pause)
    until = max(counted) + pause
    return until if until > now else 0


def blocked_until(limits: PromptLimits, now: int) -> int:
    """Until when "not me", said now, blocks a client; 0: until it is lifted."""
    return now + limits.block if limits.block else 0
