"""Draws the transaction's state diagram from its table, so that the picture cannot lie.

``python -m tools.state_diagram`` prints it; docs/architecture.md holds a copy, which a test checks.
"""

import sys

from ciba_service.protocol.transaction.state import TRANSITIONS, State

__all__ = ["state_diagram"]


def state_diagram() -> str:
    """The machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING}"]
    for state, row in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {event}" for event, target in row.items()]
    lines += [f"    {state} --> [*]" for state, row in TRANSITIONS.items() if not row]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(state_diagram() + "\n")
