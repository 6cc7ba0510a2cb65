"""``authorization_details`` (RFC 9396): what exactly is asked for, beyond scope.

``parsing`` reads the parameter, beginning with its ``shape``. ``payment`` is the type whose amount
and payee are linked to the approval; every other type is data (``declaration``), those of operators
and ``account_information``; ``registry`` holds them all. ``values`` lists whatever an object
states, ``display`` says it to people; ``granted`` is what the store keeps and tokens state.
"""

from ciba_service.protocol.request.authorization_details.account_information import (
    ACCOUNT_INFORMATION,
)
from ciba_service.protocol.request.authorization_details.declaration import (
    InvalidDetailTypeError,
    TypeDeclaration,
)
from ciba_service.protocol.request.authorization_details.display import (
    DisplayedDetail,
    DisplayedLine,
    DisplayedTexts,
    MemberDisplay,
    Style,
)
from ciba_service.protocol.request.authorization_details.granted import (
    AuthorizationDetail,
    narrowed_details,
)
from ciba_service.protocol.request.authorization_details.iban import in_groups
from ciba_service.protocol.request.authorization_details.parsing import (
    AuthorizationDetails,
    displayed_details,
    parse_authorization_details,
)
from ciba_service.protocol.request.authorization_details.payment import (
    PAYMENT_INITIATION,
    AccountReference,
    InstructedAmount,
    PaymentInitiation,
    parse_payment,
)
from ciba_service.protocol.request.authorization_details.registry import (
    BUILT_IN_TYPES,
    DetailTypes,
    detail_types,
)

__all__ = [
    "ACCOUNT_INFORMATION",
    "BUILT_IN_TYPES",
    "PAYMENT_INITIATION",
    "AccountReference",
    "AuthorizationDetail",
    "AuthorizationDetails",
    "DetailTypes",
    "DisplayedDetail",
    "DisplayedLine",
    "DisplayedTexts",
    "InstructedAmount",
    "InvalidDetailTypeError",
    "MemberDisplay",
    "PaymentInitiation",
    "Style",
    "TypeDeclaration",
    "detail_types",
    "displayed_details",
    "in_groups",
    "narrowed_details",
    "parse_authorization_details",
    "parse_payment",
]
