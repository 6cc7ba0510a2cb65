"""Everything that can go wrong on the phone, each with one sentence for the user.

PhoneError
 ├── InvalidPin
 ├── NotOpen
 ├── NoSuchNewcomer
 ├── NotApproved
 ├── MissingFactor
 ├── MissingGesture
 ├── UntrustedService
 ├── KeystoreRefused
 ├── NotEnrolled
 ├── AddressRefused
 ├── EnrolmentRefused
 ├── ServiceUnreachable
 ├── DeviceRevoked
 └── UsageError
"""

__all__ = [
    "AddressRefused",
    "DeviceRevoked",
    "EnrolmentRefused",
    "InvalidPin",
    "KeystoreRefused",
    "MissingFactor",
    "MissingGesture",
    "NoSuchNewcomer",
    "NotApproved",
    "NotEnrolled",
    "NotOpen",
    "PhoneError",
    "ServiceUnreachable",
    "UntrustedService",
    "UsageError",
]


class PhoneError(Exception):
    """A refusal with a sentence that may be shown; it never holds a secret."""


class InvalidPin(PhoneError):
    """The text is no PIN, or one that is too easy to guess."""


class NotOpen(PhoneError):
    """No open challenge has this transaction id: unknown, decided, withdrawn or expired."""


class NoSuchNewcomer(PhoneError):
    """No phone that waits shows this comparison code."""


class NotApproved(PhoneError):
    """This phone waits until another one of its user approves it."""


class MissingFactor(PhoneError):
    """An approval lacks a factor that the challenge asks for."""


class MissingGesture(PhoneError):
    """A passkey was to be used and the user did nothing."""


class UntrustedService(PhoneError):
    """The other side is not the service this phone was enrolled with, or broke the protocol."""


class KeystoreRefused(PhoneError):
    """The files of this phone are unsafe or unreadable, or belong to another phone."""


class NotEnrolled(PhoneError):
    """There is no keystore yet."""


class AddressRefused(PhoneError):
    """An address that would be reached without TLS and is not this machine."""


class EnrolmentRefused(PhoneError):
    """The service did not accept the activation code or the second secret."""


class ServiceUnreachable(PhoneError):
    """The service did not answer, or not with what the protocol says."""


class DeviceRevoked(PhoneError):
    """The service no longer knows this phone; it has to be enrolled anew."""


class UsageError(PhoneError):
    """The command line asks for something that cannot be done (exit status 2)."""
