"""The documents say what the code does."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from authenticator_sim.core.deciding.details import are_shown
from ciba_service import settings
from ciba_service.protocol.request.authorization_details import TypeDeclaration
from ciba_service.sca import messages
from ciba_service.settings.sections import ClientSettings
from tests.wire.signing import new_key, public_jwk
from tools.site.reference import reference_pages
from tools.state_diagram import state_diagram

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

SECTIONS = {
    "server": settings.ServerSettings,
    "store": settings.StoreSettings,
    "requests": settings.RequestSettings,
    "limits": settings.LimitSettings,
    "tokens": settings.TokenSettings,
    "resource": settings.ResourceSettings,
    "policy": settings.PolicySettings,
    "policy.rules": settings.PolicyRuleSettings,
    "device": settings.DeviceSettings,
    "operator": settings.OperatorSettings,
    "operators": settings.OperatorAccountSettings,
    "users": settings.UserSettings,
    "login_hint_issuers": settings.LoginHintIssuerSettings,
    "metrics": settings.MetricsSettings,
    "tracing": settings.TracingSettings,
    "mtls": settings.MtlsSettings,
    "delivery": settings.DeliverySettings,
    "wake_up": settings.WakeUpSettings,
    "evidence": settings.EvidenceSettings,
    "keys": settings.KeySettings,
    "registration": settings.RegistrationSettings,
    "outbound": settings.OutboundSettings,
    "authorization_details_types": TypeDeclaration,
    "clients": ClientSettings,
}


LISTS = frozenset(
    {
        "users",
        "operators",
        "clients",
        "login_hint_issuers",
        "authorization_details_types",
        "policy.rules",
    }
)


def test_the_state_diagram_is_drawn_from_the_table():
    """docs/architecture.md shows exactly the transitions of protocol/transaction/state.py."""
    text = (DOCS / "architecture.md").read_text("utf-8")
    (diagram,) = re.findall(r"```mermaid\n(stateDiagram.*?)\n```", text, re.DOTALL)
    assert diagram == state_diagram()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented(section: str):
    """docs/configuration.md has a row for each key of each section, and for no other."""
    text = (DOCS / "configuration.md").read_text("utf-8")
    chapter = text.split(f"## `[[{section}]]`" if section in LISTS else f"## `[{section}]`")[1]
    documented = re.findall(r"^\| `(\w+)`", chapter.split("\n## ")[0], re.MULTILINE)
    assert sorted(documented) == sorted(SECTIONS[section].__struct_fields__)


def test_every_message_has_its_example():
    """docs/device-protocol.md shows each frame, and each example is a valid frame."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    frames = re.findall(r'\| `(\{"type".*?\})` \|', text)
    shown = set()
    for frame in frames:
        decode = messages.decode_device_message
        sent_by_phone = (
            "authenticate|fetch|decide|make_handle|list_accesses|end_access"
            "|list_devices|rename_device|reject_device|give_up|order|received|shown"
            "|ask_wake_up|set_wake_up|drop_wake_up"
            "|make_passkey|list_passkeys|remove_passkey"
        )
        if re.search(rf'"type": "({sent_by_phone})"', frame) is None:
            decode = messages.decode_service_message
        shown.add(type(decode(frame.replace("…", "...").encode())))
    assert shown == set(messages.ServiceMessage.__args__) | set(messages.DeviceMessage.__args__)


def test_the_example_of_a_challenge_shows_every_member():
    """docs/device-protocol.md has a challenge with all that can be shown, and explains each."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    (example,) = re.findall(r'```json\n(\{"v": 1.*?)\n```', text, re.DOTALL)
    challenge = msgspec.json.decode(example, type=messages.Challenge, strict=True)
    assert None not in msgspec.structs.astuple(challenge.display)
    assert [None not in msgspec.structs.astuple(each) for each in challenge.payments] == [True]
    assert challenge.authorization_details
    assert are_shown(challenge.authorization_details, challenge.display.details)
    table = text.split("| `display` member |")[1].split("\n\n")[0]
    explained = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert tuple(explained) == messages.Display.__struct_fields__


def test_every_file_that_a_page_refers_to_is_there():
    """README.md, SECURITY.md and the pages of docs/ lead nowhere in vain."""
    broken = []
    generated = {DOCS / name for name in reference_pages()}
    for page in [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]:
        text = page.read_text("utf-8")
        links = set(re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s#]+)", text))
        local = {link for link in links if "://" not in link}
        broken += [
            (page.name, each)
            for each in local
            if not (page.parent / each).exists() and (page.parent / each).resolve() not in generated
        ]
    assert broken == []


def test_every_table_is_whole():
    """Below its header a table is not torn by an empty line: the rest would be shown as text."""
    torn = []
    for page in [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        tables = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
        torn += [(page.name, each) for each in tables if not re.match(r".*\n\|[ :|-]+\n", each)]
    assert torn == []


def test_every_close_code_is_documented():
    """docs/device-protocol.md has a row for each close code, under its name."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (44\d\d|45\d\d) \| (\w+) \|", text, re.MULTILINE))
    assert rows == {str(code.value): code.name for code in messages.CloseCode}


def test_every_refusal_reason_is_documented():
    """docs/device-protocol.md explains each reason of ``refused``."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    table = text.split("| `refused.reason` | meaning |")[1]
    reasons = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(reasons) == sorted(messages.RefusalReason)


def test_every_refusal_of_an_order_is_documented():
    """docs/device-protocol.md explains each reason of ``order_refused``."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    table = text.split("| `order_refused.reason` | meaning |")[1].split("\n\n")[0]
    reasons = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(reasons) == sorted(messages.OrderRefusal)


def test_every_refusal_of_an_address_is_documented():
    """docs/device-protocol.md explains each reason of ``wake_up_refused``."""
    text = (DOCS / "device-protocol.md").read_text("utf-8")
    table = text.split("| `wake_up_refused.reason` | meaning |")[1].split("\n\n")[0]
    reasons = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(reasons) == sorted(messages.WakeUpRefusal)


def test_the_example_configuration_lacks_nothing_but_a_key():
    """With a client's public key in its place, ciba.example.toml is a valid configuration."""
    text = (ROOT / "ciba.example.toml").read_text("utf-8")
    with pytest.raises(settings.InvalidSettingsError, match="jwks"):
        settings.parse_settings(text, {})
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    members = tomllib.loads(text)
    key = ", ".join(f'{name} = "{value}"' for name, value in jwk.items())
    filled = text.replace("jwks = { keys = [] }", f"jwks = {{ keys = [{{ {key} }}] }}")
    assert [user.sub for user in settings.parse_settings(filled, {}).users] == [
        user["sub"] for user in members["users"]
    ]


def test_the_configuration_for_certification_lacks_nothing_but_a_key():
    """With a client's public key in its place, what the how-to shows is a valid configuration."""
    page = (DOCS / "howto" / "certification.md").read_text("utf-8")
    text = "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    jwk = public_jwk(new_key("PS256"))
    key = ", ".join(f'{name} = "{value}"' for name, value in jwk.items())
    parsed = settings.parse_settings(text.replace("keys = []", f"keys = [{{ {key} }}]"), {})
    assert [client.client_id for client in parsed.clients] == ["certification-1"]
    assert parsed.registration.enabled


def test_messages_survive_the_wire():
    """Each frame is decoded to what was encoded."""
    frame = messages.Refused(
        transaction_id="t", decision="d", reason=messages.RefusalReason.FACTORS, attempts_left=4
    )
    assert messages.decode_service_message(msgspec.json.encode(frame)) == frame


def test_every_picture_is_there_and_shown():
    """None is missing where it is shown, and none is kept that nobody sees."""
    shown = set()
    for page in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"(?:docs/)?images/[\w-]+\.(?:png|svg)", page.read_text("utf-8")):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"
            shown.add((page.parent / target).name)
    assert shown == {path.name for path in (DOCS / "images").iterdir()}
