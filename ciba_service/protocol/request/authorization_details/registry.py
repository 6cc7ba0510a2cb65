"""Every type that clients may register: those built in, and those an operator declares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.request.authorization_details.account_information import (
    ACCOUNT_INFORMATION,
)
from ciba_service.protocol.request.authorization_details.declaration import (
    DeclaredType,
    InvalidDetailTypeError,
    TypeDeclaration,
    declared_type,
)
from ciba_service.protocol.request.authorization_details.payment import PAYMENT_INITIATION
from ciba_service.protocol.request.authorization_details.schemas import SchemaOnDemand

__all__ = ["BUILT_IN_TYPES", "DetailTypes", "detail_types"]


@dataclass(frozen=True, slots=True)
class DetailTypes:
    """Payments, and whatever is declared, by type."""

    declared: Mapping[str, DeclaredType]

    @property
    def names(self) -> frozenset[str]:
        """What may be published as ``authorization_details_types_supported`` (RFC 9396 10)."""
        return frozenset({PAYMENT_INITIATION, *self.declared})


def detail_types(declarations: Iterable[TypeDeclaration]) -> DetailTypes:
    """The built-in types and those of an operator, compiled.

    Raises:
        InvalidDetailTypeError: when a declaration cannot be used, or a type is there already.
    """
    declared = {ACCOUNT_INFORMATION.type: declared_type(ACCOUNT_INFORMATION, SchemaOnDemand)}
    for declaration in declarations:
        compiled = declared_type(declaration)
        if compiled.type == PAYMENT_INITIATION or compiled.type in declared:
            raise InvalidDetailTypeError(f"{compiled.type}: type is built in, or declared twice")
        declared[compiled.type] = compiled
    return DetailTypes(declared)


BUILT_IN_TYPES: Final = detail_types(())
