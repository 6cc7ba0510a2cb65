"""``account_information``: what of whose accounts a client may read."""

from typing import Final

from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details.declaration import TypeDeclaration
from ciba_service.protocol.request.authorization_details.display import MemberDisplay, Style

__all__ = ["ACCOUNT_INFORMATION"]

_ACTIONS: Final[dict[str, str | dict[Locale, str]]] = {
    "list_accounts": {Locale.EN: "The list of accounts", Locale.DE: "Die Liste der Konten"},
    "read_balances": {Locale.EN: "Balances", Locale.DE: "Kontostände"},
    "read_transactions": {Locale.EN: "Transactions", Locale.DE: "Umsätze"},
}

ACCOUNT_INFORMATION: Final = TypeDeclaration(
    type="account_information",
    title={Locale.EN: "Account information", Locale.DE: "Kontoinformationen"},
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
        MemberDisplay(
            member="actions",
            label={Locale.EN: "Will be shared", Locale.DE: "Wird weitergegeben"},
            words=_ACTIONS,
        ),
        MemberDisplay(
            member="accounts.iban",
            label={Locale.EN: "Accounts", Locale.DE: "Konten"},
            style=Style.IBAN,
            absent={Locale.EN: "All your accounts", Locale.DE: "Alle Ihre Konten"},
        ),
    ),
)
