"""Everything that can be replaced, as protocols: store, clock, directories, channel, way out.

Each docstring says what must be atomic. Instants and durations are milliseconds unless named
otherwise; ``operation`` is an identifier that is the same across retries of one operation.
"""

from ciba_service.ports.asking.budgets import Budget, BudgetKind, BudgetStore
from ciba_service.ports.asking.ledger import LedgerStore
from ciba_service.ports.asking.prompts import PromptReservation, PromptStore
from ciba_service.ports.asking.risk import RiskPolicy, Situation
from ciba_service.ports.asking.sca_receipts import KeptScaReceipt, ScaReceiptStore
from ciba_service.ports.asking.standing import Block, StandingStore
from ciba_service.ports.asking.transactions import (
    Decided,
    NewTransaction,
    PollReply,
    PollStatus,
    StoredRequest,
    Swap,
    SwapResult,
    Transaction,
    TransactionStore,
)
from ciba_service.ports.asking.user_codes import UserCodeAttemptStore
from ciba_service.ports.clients.registrations import Registration, RegistrationStore
from ciba_service.ports.clients.replays import ReplayKind, ReplayStore
from ciba_service.ports.directories import ClientRegistry, User, UserDirectory
from ciba_service.ports.due.callbacks import (
    Callback,
    CallbackProgress,
    CallbackStore,
    PendingCallback,
    Push,
)
from ciba_service.ports.due.deliveries import (
    Delivery,
    DeliveryLog,
    DeliveryState,
    FoundDelivery,
    Redelivery,
)
from ciba_service.ports.due.due import LEASE_MS, DueKind, DueStore, DueWork
from ciba_service.ports.keys import KeyRing, Signer, SignerUnavailable
from ciba_service.ports.outbound import (
    ClientKeys,
    ClientKeysUnavailable,
    FailureReason,
    Outbound,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.ports.phones.attempts import AttemptStore
from ciba_service.ports.phones.channel import Announcement, AnnouncementKind, Broadcast, DeviceHub
from ciba_service.ports.phones.devices import Activation, ActivationStore, DeviceRecord, DeviceStore
from ciba_service.ports.phones.login_handles import (
    HandleReservation,
    LoginHandleStore,
    PresentedHandle,
)
from ciba_service.ports.phones.presence import PresenceStore
from ciba_service.ports.phones.waiting_devices import (
    WaitingDevice,
    WaitingDeviceStore,
    WaitingRecord,
)
from ciba_service.ports.records.evidence import (
    EvidenceBatch,
    EvidenceJournal,
    EvidenceQueue,
    JournalEntry,
    JournalPosition,
    JournalUnavailable,
    QueuedRecord,
    RecordKey,
)
from ciba_service.ports.records.security_events import (
    DueSet,
    EventSink,
    EventsUnwritable,
    NumberedEvent,
    RecentEvents,
    SecurityEvents,
    SetOutbox,
)
from ciba_service.ports.store import StoreHealth, StoreUnavailable, UnknownRecordFormat
from ciba_service.ports.surroundings import Clock, Randomness, Telemetry
from ciba_service.ports.tokens.accesses import AccessStore
from ciba_service.ports.tokens.grants import (
    AccessTokenRecord,
    GrantStore,
    RefreshTokenRecord,
    StoredGrant,
    TokenRecord,
)
from ciba_service.ports.tokens.issuing import TokenIssuer
from ciba_service.ports.tokens.payments import PaymentOutcome, PaymentStore

__all__ = [
    "LEASE_MS",
    "AccessStore",
    "AccessTokenRecord",
    "Activation",
    "ActivationStore",
    "Announcement",
    "AnnouncementKind",
    "AttemptStore",
    "Block",
    "Broadcast",
    "Budget",
    "BudgetKind",
    "BudgetStore",
    "Callback",
    "CallbackProgress",
    "CallbackStore",
    "ClientKeys",
    "ClientKeysUnavailable",
    "ClientRegistry",
    "Clock",
    "Decided",
    "Delivery",
    "DeliveryLog",
    "DeliveryState",
    "DeviceHub",
    "DeviceRecord",
    "DeviceStore",
    "DueKind",
    "DueSet",
    "DueStore",
    "DueWork",
    "EventSink",
    "EventsUnwritable",
    "EvidenceBatch",
    "EvidenceJournal",
    "EvidenceQueue",
    "FailureReason",
    "FoundDelivery",
    "GrantStore",
    "HandleReservation",
    "JournalEntry",
    "JournalPosition",
    "JournalUnavailable",
    "KeptScaReceipt",
    "KeyRing",
    "LedgerStore",
    "LoginHandleStore",
    "NewTransaction",
    "NumberedEvent",
    "Outbound",
    "OutboundFailure",
    "OutboundMethod",
    "OutboundRequest",
    "OutboundResponse",
    "PaymentOutcome",
    "PaymentStore",
    "PendingCallback",
    "PollReply",
    "PollStatus",
    "PresenceStore",
    "PresentedHandle",
    "PromptReservation",
    "PromptStore",
    "Push",
    "QueuedRecord",
    "Randomness",
    "RecentEvents",
    "RecordKey",
    "Redelivery",
    "RefreshTokenRecord",
    "Registration",
    "RegistrationStore",
    "ReplayKind",
    "ReplayStore",
    "RiskPolicy",
    "ScaReceiptStore",
    "SecurityEvents",
    "SetOutbox",
    "Signer",
    "SignerUnavailable",
    "Situation",
    "StandingStore",
    "StoreHealth",
    "StoreUnavailable",
    "StoredGrant",
    "StoredRequest",
    "Swap",
    "SwapResult",
    "Telemetry",
    "TokenIssuer",
    "TokenRecord",
    "Transaction",
    "TransactionStore",
    "UnknownRecordFormat",
    "User",
    "UserCodeAttemptStore",
    "UserDirectory",
    "WaitingDevice",
    "WaitingDeviceStore",
    "WaitingRecord",
]
