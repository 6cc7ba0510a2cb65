"""The bank's customers. A bank would look into its database here."""

from dataclasses import dataclass

from ciba_service.embedding import IdentifierKind, User, UserIdentifier

__all__ = ["CUSTOMERS", "Customer", "find_customer", "find_subject"]


@dataclass(frozen=True)
class Customer:
    """One customer; ``number`` is what tokens call ``sub``."""

    number: str
    name: str
    email: str
    closed: bool = False


CUSTOMERS = {
    "4711": Customer("4711", "Alice Example", "alice@example.org"),
    "4712": Customer("4712", "Bob Example", "bob@example.org", closed=True),
}


def find_customer(identifier: UserIdentifier) -> User | None:
    """Whom a client's ``login_hint`` names."""
    if identifier.kind is not IdentifierKind.EMAIL:
        return find_subject(identifier.value)
    numbers = (each.number for each in CUSTOMERS.values() if each.email == identifier.value)
    number = next(numbers, None)
    return None if number is None else find_subject(number)


def find_subject(subject: str) -> User | None:
    """The customer of a number; asked at every step, so that a closed one counts at once."""
    customer = CUSTOMERS.get(subject)
    return None if customer is None else User(subject, enabled=not customer.closed)
