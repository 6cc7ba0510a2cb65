"""``account_information``: what of whose accounts a client may read."""

from typing import Final

from ciba_service.protocol.request.authorization_details.declaration import TypeDeclaration
from ciba_service.protocol.request.authorization_details.display import MemberDisplay, Style

__all__ = ["ACCOUNT_INFORMATION"]

_ACTIONS: Final = {
    "list_accounts": "The list of accounts",
    "read_balances": "Balances",
    "read_transactions": "Transactions",
}

ACCOUNT_INFORMATION: Final = TypeDeclaration(
    type="account_information",
    title="Account information",
    schema={
        "type": "object",
        "properties": {
            "type": {"const": "account_information"},
            "actions": {
                "type": "array",
                "items": {"enum": list(_ACTIONS)},
                "minItems": 1,
                "uniqueItems": True,
            },
            "accounts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"iban": {"type": "string"}},
                    "required": ["iban"],
                    "additionalProperties": False,
                },
                "minItems": 1,
                "maxItems": 20,
                "uniqueItems": True,
            },
        },
        "required": ["type", "actions"],
        "additionalProperties": False,
    },
    display=(
        MemberDisplay(member="actions", label="Will be shared", words=_ACTIONS),
        MemberDisplay(
            member="accounts.iban", label="Accounts", style=Style.IBAN, absent="All your accounts"
        ),
    ),
)
