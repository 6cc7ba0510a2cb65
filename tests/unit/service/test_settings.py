"""The configuration: what is accepted, and every way to get it wrong."""

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ciba_service.sca.factors.passkeys import RelyingParty
from ciba_service.settings import InvalidSettingsError, Settings, load_settings, parse_settings
from ciba_service.settings.issuer import is_loopback
from ciba_service.stores.driver.target import Address, RedisMode, RedisTls, ReplicaWait
from tests.png import png
from tests.services.running_service import _table, _toml
from tests.wire.client import WireClient
from tests.wire.registration import registration_section
from tests.wire.signing import new_key, public_jwk

HTTP = "http://127.0.0.1:8080"
HTTPS = "https://op.example"
TILL = WireClient("till", key=new_key())
SENTINEL = {"urls": ["redis://a"], "mode": "sentinel", "master_name": "m"}
CLEAR = {"name": "shop", "sha256": "hunter2"}
VOUCHER = {"iss": "https://directory.example", "jwks": {"keys": []}}
ALICE = {"sub": "alice", "login_hints": ["alice@example.org"]}


def text_of(
    issuer: str = HTTP,
    *,
    users: tuple[dict[str, Any], ...] = (ALICE,),
    clients: tuple[WireClient, ...] = (TILL,),
    **sections: dict[str, Any],
) -> str:
    """A configuration."""
    return _toml(issuer, clients, users, sections)


SIEM = "https://siem.example/events"


def pushing_to(*receivers: dict[str, Any]) -> str:
    """A configuration with receivers of security events."""
    return text_of(security_events={"receivers": list(receivers)})


def rule(**members: Any) -> str:
    """A configuration with one rule of policy."""
    return text_of(policy={"rules": [members]})


def passkeys(*origins: str, rp_id: str = "bank.example", issuer: str = "") -> str:
    """A configuration with passkeys."""
    device = {"rp_id": rp_id, "allowed_origins": origins or ["https://bank.example"]}
    return text_of(issuer or HTTP, device=device)


def parsed(issuer: str = HTTP, *, environ: dict[str, str] | None = None, **more: Any) -> Settings:
    """The settings of a configuration."""
    return parse_settings(text_of(issuer, **more), environ or {})


def client(**metadata: Any) -> tuple[WireClient, ...]:
    """One client with changed metadata."""
    return (WireClient("till", key=TILL.key, metadata=metadata),)


def hint_issuers(*changes: dict[str, Any]) -> str:
    """A configuration with these issuers of login hint tokens."""
    issuer = {"iss": "https://finder.example", "jwks": {"keys": [public_jwk(TILL.key)]}}
    tables = ["[[login_hint_issuers]]\n" + _table({**issuer, **change}) for change in changes]
    return "\n".join([text_of(), *tables])


def users(*changes: dict[str, Any]) -> dict[str, Any]:
    """Users u0, u1 and so on, with changes."""
    return {
        "users": tuple({"sub": f"u{number}", **change} for number, change in enumerate(changes))
    }


def test_a_small_configuration_is_enough():
    """An issuer is all that must be said; everything else has a default."""
    settings = parse_settings(f'[server]\nissuer = "{HTTPS}"', {})
    assert not settings.is_development
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.store.all_urls == ()
    assert settings.keys_directory == Path("var/keys")
    assert settings.device.second_secret
    assert settings.exposure is None


@pytest.mark.parametrize(
    ("issuer", "development"),
    [
        ("https://op.example", False),
        ("https://op.example:8443/tenant/a_b~c.d", False),
        ("https://[2001:db8::1]/x", False),
        ("https://127.0.0.1", False),
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080/tenant", True),
    ],
)
def test_an_issuer_in_its_plainest_form_is_accepted(issuer: str, *, development: bool):
    """Only https anywhere, http on loopback; host, port and path, and nothing more."""
    settings = parse_settings(f'[server]\nissuer = "{issuer}"', {})
    assert settings.server.issuer == issuer
    assert settings.is_development is development


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ("", "must be an https URL"),
        ("op.example", "must be an https URL"),
        ("ftp://op.example", "must be an https URL"),
        ("https://", "must be an https URL"),
        ("https:op.example", "must be an https URL"),
        ("https://op.example?", "no query"),
        ("https://op.example?a=b", "no query"),
        ("https://op.example#f", "no query, fragment"),
        ("https://op.example#", "no query, fragment"),
        ("https://me@op.example", "fragment or user"),
        ("https://me:pw@op.example", "fragment or user"),
        ("https://op.example/", "end with a slash"),
        ("https://op.example/tenant/", "end with a slash"),
        ("https://op.example:443", "default port"),
        ("http://127.0.0.1:80", "default port"),
        ("https://op.example:", "lower case"),
        ("https://op.example:08443", "lower case"),
        ("https://op.example:99999", "is not a URL"),
        ("https://op.example:port", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("HTTPS://op.example", "lower case"),
        ("https://OP.example", "lower case"),
        ("https://op.example./x", "lower case"),
        ("https://öp.example", "lower case"),
        ("https://op.example/a b", "lower case"),
        ("https://op.example/%61", "lower case"),
        ("https://op.example/{tenant}", "lower case"),
        ("https://op.example//a", "lower case"),
        ("https://op.example/a/../b", "lower case"),
        ("https://op.example/.well-known", "lower case"),
        (" https://op.example", "lower case"),
        ("https://op.exam\\nple", "lower case"),
        ("http://op.example", "http on loopback only"),
        ("http://localhost.op.example", "http on loopback only"),
        ("http://0.0.0.0:8080", "http on loopback only"),
        ("http://192.168.0.1", "http on loopback only"),
    ],
)
def test_every_other_issuer_is_refused(issuer: str, reason: str):
    """Whatever could be spelled in two ways, or is not protected, stops the start."""
    with pytest.raises(InvalidSettingsError, match=rf"^server\.issuer .*{reason}"):
        parse_settings(f'[server]\nissuer = "{issuer}"', {})


WRONG = {
    "no TOML": ("[server\n", "not TOML: .*(at "),
    "no section": ("", "missing required field `server`"),
    "no issuer": ("[server]", "required field `issuer` - at `server`"),
    "unknown section": (f'[servers]\nissuer = "{HTTP}"', "unknown field `servers`"),
    "unknown key": (text_of(server={"prot": 1}), "unknown field `prot` - at `server`"),
    "text as number": (text_of(server={"port": "8080"}), "Expected `int`.*`server.port`"),
    "bool as number": (text_of(server={"port": True}), "Expected `int`.*`server.port`"),
    "zero in a name of a file": (
        text_of(mtls={"authorities": "clients\0.pem"}),
        "mtls.authorities: holds the character of number zero",
    ),
    "zero in a name of a user": (
        f'[server]\nissuer = "{HTTP}"\n[[users]]\nsub = "a"\nlogin_hints = ["b\\u0000"]',
        "users.login_hints: holds",
    ),
    "fraction as number": (text_of(server={"port": 80.5}), "Expected `int`.*`server.port`"),
    "number as bool": (text_of(device={"second_secret": 1}), "`bool`.*`device.second_secret`"),
    "number as text": (text_of(server={"issuer": 1}), "Expected `str`.*`server.issuer`"),
    "port below": (text_of(server={"port": -1}), ">= 0 - at `server.port`"),
    "port above": (text_of(server={"port": 65536}), "<= 65535 - at `server.port`"),
    "empty host": (text_of(server={"host": ""}), "length >= 1 - at `server.host`"),
    "log level": (
        text_of(server={"log_level": "trace"}),
        "'trace' - at `server.log_level`: it must be one of debug, error, info, warning",
    ),
    "certificate alone": (
        text_of(HTTPS, server={"tls_certificate": "c"}),
        "server.tls_certificate and server.tls_key go together",
    ),
    "TLS key alone": (
        text_of(HTTPS, server={"tls_key": "k"}),
        "server.tls_certificate and server.tls_key go together",
    ),
    "TLS with http": (
        text_of(server={"tls_certificate": "c", "tls_key": "k"}),
        "server.issuer must be https when TLS",
    ),
    "second secret off": (
        text_of(HTTPS, device={"second_secret": False}),
        "device.second_secret may be off with an http issuer only",
    ),
    "no data directory": (text_of(store={"data_directory": ""}), "`store.data_directory`"),
    "empty URL": (text_of(store={"url": ""}), "length >= 1 - at `store.url`"),
    "empty URL in list": (text_of(store={"urls": [""]}), "length >= 1 - at `store.urls[0]`"),
    "url and urls": (
        text_of(store={"url": "redis://a", "urls": ["redis://b"]}),
        "store.url and store.urls exclude each other",
    ),
    "not a Redis URL": (text_of(store={"url": "http://a"}), "store.url: .*redis://"),
    "Redis options": (text_of(store={"url": "redis://a?retry=9"}), "store.url: .*no options"),
    "two single servers": (
        text_of(store={"urls": ["redis://a", "redis://b"]}),
        "store.urls: a single server has one address",
    ),
    "unknown mode": (text_of(store={"mode": "pair"}), "'pair' - at `store.mode`"),
    "cluster without URL": (text_of(store={"mode": "cluster"}), "store.urls is needed.*cluster"),
    "sentinel without URL": (
        text_of(store={"mode": "sentinel", "master_name": "m"}),
        "store.urls is needed.*sentinel",
    ),
    "sentinel without name": (
        text_of(store={"mode": "sentinel", "urls": ["redis://a"]}),
        "store.master_name goes with mode sentinel",
    ),
    "name without sentinel": (
        text_of(store={"url": "redis://a", "master_name": "m"}),
        "store.master_name goes with mode sentinel",
    ),
    "database in cluster": (
        text_of(store={"mode": "cluster", "urls": ["redis://a/1"]}),
        "store.urls: a cluster has only database 0",
    ),
    "user without password": (
        text_of(store={"url": "redis://a", "username": "u"}),
        "store.url: a user name needs a password",
    ),
    "sentinel user without password": (
        text_of(store={**SENTINEL, "sentinel_username": "s"}),
        "store.urls: sentinel_username needs sentinel_password",
    ),
    "sentinel password without sentinels": (
        text_of(store={"url": "redis://a", "sentinel_password": "p"}),
        "store.url: sentinel_password goes with mode sentinel",
    ),
    "sentinel password for the embedded server": (
        text_of(store={"sentinel_password": "p"}),
        "store.sentinel_password goes with store.url",
    ),
    "certificate without key": (
        text_of(store={"url": "rediss://a", "certificate_file": "c"}),
        "store.certificate_file and store.key_file go together",
    ),
    "authorities without TLS": (
        text_of(store={"url": "redis://a", "ca_file": "c"}),
        "store.url: TLS files go with rediss://",
    ),
    "password without URL": (text_of(store={"password": "p"}), "store.password goes with"),
    "user without URL": (text_of(store={"username": "p"}), "store.username goes with"),
    "authorities without URL": (text_of(store={"ca_file": "p"}), "store.ca_file goes with"),
    "deadline below": (text_of(store={"deadline_ms": 99}), "`store.deadline_ms`"),
    "deadline above": (text_of(store={"deadline_ms": 30_001}), "`store.deadline_ms`"),
    "replicas below": (text_of(store={"wait_for_replicas": -1}), "`store.wait_for_replicas`"),
    "replicas above": (text_of(store={"wait_for_replicas": 6}), "`store.wait_for_replicas`"),
    "replicas of the embedded server": (
        text_of(store={"wait_for_replicas": 1}),
        "store.wait_for_replicas goes with store.url or store.urls",
    ),
    "wait below": (text_of(store={"wait_for_replicas_ms": 9}), "`store.wait_for_replicas_ms`"),
    "wait above": (text_of(store={"wait_for_replicas_ms": 5001}), "`store.wait_for_replicas_ms`"),
    "expiry below": (text_of(requests={"default_expiry": 9}), "`requests.default_expiry`"),
    "expiry above": (text_of(requests={"default_expiry": 601}), "`requests.default_expiry`"),
    "late callbacks": (
        text_of(delivery={"callback_delay_ms": 10_001}),
        "`delivery.callback_delay_ms`",
    ),
    "no time to answer": (
        text_of(delivery={"answer_timeout_ms": 999}),
        "`delivery.answer_timeout_ms`",
    ),
    "long time to answer": (
        text_of(delivery={"answer_timeout_ms": 30_001}),
        "`delivery.answer_timeout_ms`",
    ),
    "no prompts": (text_of(requests={"open_prompts": 0}), "`requests.open_prompts`"),
    "many prompts": (text_of(requests={"open_prompts": 101}), "`requests.open_prompts`"),
    "no request at all": (text_of(server={"max_requests": 0}), "`server.max_requests`"),
    "a long wait": (text_of(server={"request_wait_ms": 10_001}), "`server.request_wait_ms`"),
    "aliases that lead nowhere": (
        text_of(mtls={"port": 8443, "base_url": "https://mtls.bank.example/ciba"}),
        "mtls.base_url has a path, which needs mtls.proxies",
    ),
    "addresses from nobody": (
        text_of(server={"address_header": "X-Real-IP"}),
        "server.address_header goes with mtls.proxies",
    ),
    "no name of a header": (
        text_of(server={"address_header": "X Real"}),
        "`server.address_header`",
    ),
    "negative limit": (text_of(limits={"client_requests": -1}), "`limits.client_requests`"),
    "large limit": (text_of(limits={"hint_requests": 100_001}), "`limits.hint_requests`"),
    "many prompts a user": (text_of(limits={"user_prompts": 1_001}), "`limits.user_prompts`"),
    "no window": (text_of(limits={"client_window": 0}), "`limits.client_window`"),
    "long window": (text_of(limits={"denial_window": 86_401}), "`limits.denial_window`"),
    "long block": (text_of(limits={"not_me_block": 31_536_001}), "`limits.not_me_block`"),
    "a client for itself": (
        text_of(limits={"user_prompts": 49}),
        "limits.user_prompts_of_client must not be more",
    ),
    "shrinking pause": (
        text_of(limits={"denial_pause": 3_601}),
        "limits.longest_denial_pause must not be less",
    ),
    "pause beyond memory": (
        text_of(limits={"denial_window": 3_599}),
        "limits.denial_window must not be less",
    ),
    "rule for all": (rule(require_otp=True), "policy.rules[0] has no condition"),
    "rule for nothing": (rule(client="till"), "policy.rules[0] demands nothing"),
    "amount of nothing": (
        rule(min_amount="1", require_otp=True),
        "policy.rules[0] needs min_amount and currency together",
    ),
    "currency of nothing": (
        rule(client="till", currency="EUR", require_otp=True),
        "policy.rules[0] needs min_amount and currency together",
    ),
    "amount of accounts": (
        rule(type="account_information", min_amount="1", currency="EUR", require_otp=True),
        "policy.rules[0] has min_amount",
    ),
    "odd amount": (
        rule(min_amount="1,00", currency="EUR", require_otp=True),
        "`policy.rules[0].min_amount`",
    ),
    "amount as a number": (
        rule(min_amount=1, currency="EUR", require_otp=True),
        "`policy.rules[0].min_amount`",
    ),
    "odd currency": (
        rule(min_amount="1", currency="eur", require_otp=True),
        "`policy.rules[0].currency`",
    ),
    "unknown floor of a rule": (rule(client="till", acr="urn:x"), "policy.rules[0] has an acr"),
    "rule for an unknown type": (
        rule(type="dance", require_otp=True),
        "policy.rules[0] has a type that is not declared",
    ),
    "token too short": (
        text_of(tokens={"access_token_lifetime": 29}),
        "`tokens.access_token_lifetime`",
    ),
    "token too long": (text_of(tokens={"id_token_lifetime": 3601}), "`tokens.id_token_lifetime`"),
    "no audience": (text_of(tokens={"audience": ""}), "`tokens.audience`"),
    "token alg": (text_of(tokens={"access_token_alg": "RS256"}), "`tokens.access_token_alg`"),
    "resource neither on nor off": (
        text_of(resource={"enabled": "perhaps"}),
        "`resource.enabled`",
    ),
    "no scope for accounts": (text_of(resource={"accounts_scope": ""}), "resource.accounts_scope"),
    "two scopes for accounts": (
        text_of(resource={"accounts_scope": "openid accounts"}),
        "resource.accounts_scope",
    ),
    "a quote in the scope": (
        text_of(resource={"accounts_scope": 'a"b'}),
        "resource.accounts_scope",
    ),
    "an app where there are no passkeys": (
        text_of(device={"allowed_origins": ["android:apk-key-hash:" + "A" * 43]}),
        "device.allowed_origins[0] is for passkeys: set device.rp_id",
    ),
    "a phone without TLS": (
        text_of(device={"phone_url": "http://phone.example/"}),
        "device.phone_url may be http on loopback only",
    ),
    "a phone with a fragment of its own": (
        text_of(device={"phone_url": "https://phone.example/#enrol"}),
        "device.phone_url must have no query, fragment or user",
    ),
    "a page that no browser can name": (
        text_of(device={"allowed_origins": ["null"]}),
        "device.allowed_origins[0] must be an https URL",
    ),
    "passkeys from nowhere": (
        text_of(device={"rp_id": "bank.example"}),
        "device.rp_id needs device.allowed_origins",
    ),
    "passkeys demanded of all": (
        text_of(policy={"require_passkey": True}),
        "policy demands a passkey: set device.rp_id",
    ),
    "passkeys demanded of some": (
        rule(client="till", require_passkey=True),
        "policy demands a passkey: set device.rp_id",
    ),
    "an address as a domain": (passkeys(rp_id="127.0.0.1"), "device.rp_id must be a domain and no"),
    "a URL as a domain": (passkeys(rp_id="https://a"), "device.rp_id must be a domain in lower"),
    "a domain in capitals": (passkeys(rp_id="Bank.example"), "device.rp_id must be a domain in"),
    "an origin elsewhere": (
        passkeys("https://bank.example.evil.example"),
        "device.allowed_origins[0] must be within device.rp_id",
    ),
    "an origin of a neighbour": (
        passkeys("https://bank.example", "https://evilbank.example"),
        "device.allowed_origins[1] must be within device.rp_id",
    ),
    "an origin with a path": (
        passkeys("https://bank.example/login"),
        "device.allowed_origins[0] must have no path",
    ),
    "an origin with a slash": (passkeys("https://bank.example/"), "must not end with a slash"),
    "an origin without TLS": (
        passkeys("http://localhost:8080", issuer=HTTPS, rp_id="localhost"),
        "device.allowed_origins[0] may be http with an http issuer only",
    ),
    "an app without its certificate": (
        passkeys("android:apk-key-hash:short"),
        "device.allowed_origins[0] must be an https URL",
    ),
    "unknown floor": (text_of(policy={"floor": "gold"}), "policy.floor must be one of urn:.*, urn"),
    "no keys directory": (text_of(keys={"directory": ""}), "`keys.directory`"),
    "users as table": (f'[server]\nissuer = "{HTTP}"\n[users]', "Expected `array`.*`users`"),
    "outbound network": (
        text_of(outbound={"allowed_networks": ["10.0.0.1/8"]}),
        "outbound.allowed_networks: '10.0.0.1/8' is not",
    ),
    "outbound certificate without key": (
        text_of(outbound={"client_certificate": "c"}),
        "outbound.client_certificate and outbound.client_key go together",
    ),
    "outbound key without certificate": (
        text_of(outbound={"client_key": "k"}),
        "outbound.client_certificate and outbound.client_key go together",
    ),
    "outbound http with https": (
        text_of(HTTPS, outbound={"allow_loopback_http": True}),
        "outbound.allow_loopback_http needs an http issuer",
    ),
    "pushes without a contact": (
        text_of(wake_up={"web_push": True}),
        "wake_up.contact is needed for wake_up.web_push",
    ),
    "a contact for nothing": (
        text_of(wake_up={"contact": "mailto:a@b.example"}),
        "wake_up.contact goes with wake_up.web_push",
    ),
    "a contact that is none": (
        text_of(wake_up={"web_push": True, "contact": "a@b.example"}),
        "`wake_up.contact`",
    ),
    "no push hosts": (text_of(wake_up={"push_hosts": []}), "`wake_up.push_hosts`"),
    "a push host that is a URL": (
        text_of(wake_up={"push_hosts": ["push.example", "https://push.example"]}),
        "wake_up.push_hosts[1] must be a host",
    ),
    "webhook without token": (
        text_of(wake_up={"webhook_url": "https://bank.example/wake"}),
        "wake_up.webhook_url and wake_up.webhook_token go together",
    ),
    "token without webhook": (
        text_of(wake_up={"webhook_token": "t" * 16}),
        "wake_up.webhook_url and wake_up.webhook_token go together",
    ),
    "short webhook token": (
        text_of(wake_up={"webhook_url": "https://a.example", "webhook_token": "t" * 15}),
        "`wake_up.webhook_token`",
    ),
    "webhook that is no URL": (
        text_of(wake_up={"webhook_url": "https://a b", "webhook_token": "t" * 16}),
        "wake_up.webhook_url: not a plain",
    ),
    "webhook without TLS": (
        text_of(wake_up={"webhook_url": "http://127.0.0.1/a", "webhook_token": "t" * 16}),
        "wake_up.webhook_url without TLS needs outbound.allow_loopback_http",
    ),
    "a language that there is not": (text_of(device={"locale": "fr"}), "`device.locale`"),
    "a user's language that there is not": (
        text_of(**users({"locale": "fr"})),
        "`users[0].locale`",
    ),
    "grace too long": (text_of(wake_up={"grace_ms": 10_001}), "`wake_up.grace_ms`"),
    "unknown outbound key": (text_of(outbound={"proxy": "p"}), "unknown field `proxy`"),
    "user without sub": (text_of(users=({"enabled": True},)), "`sub` - at `users[0]`"),
    "unknown user key": (text_of(**users({"name": "x"})), "unknown field `name`"),
    "empty sub": (text_of(**users({"sub": ""})), "`users[0].sub`"),
    "sub too long": (text_of(**users({"sub": "a" * 256})), "`users[0].sub`"),
    "sub not ASCII": (text_of(**users({"sub": "ällice"})), "users[0].sub must be printable"),
    "sub with newline": (text_of(**users({"sub": "a\nb"})), "users[0].sub must be printable"),
    "sub with space": (text_of(**users({"sub": "a "})), "users[0].sub must be printable"),
    "sub twice": (text_of(**users({}, {"sub": "u0"})), "users[1].sub is used twice"),
    "empty hint": (text_of(**users({"login_hints": [""]})), "`users[0].login_hints[0]`"),
    "hint with tab": (text_of(**users({"login_hints": ["a\tb"]})), "users[0].login_hints must be"),
    "hint with space": (text_of(**users({"login_hints": [" a"]})), "users[0].login_hints must be"),
    "hint twice": (
        text_of(**users({"login_hints": ["h"]}, {"login_hints": ["h"]})),
        "users[1].login_hints has a hint of another user",
    ),
    "hint is another's sub": (
        text_of(**users({"login_hints": ["u1"]}, {})),
        "users[0].login_hints has a hint of another user",
    ),
    "hint is another's in another spelling": (
        text_of(**users({"login_hints": ["+49 30 (123) 45"]}, {"login_hints": ["+493012345"]})),
        "users[1].login_hints has a hint of another user",
    ),
    "sub is another's in another spelling": (
        text_of(**users({"sub": "a@b.example"}, {"sub": "A@B.example"})),
        "users[1].sub is used twice",
    ),
    "sub is a handle": (
        text_of(**users({"sub": f"ciba-handle:{'A' * 22}"})),
        "users[0].sub looks like a handle",
    ),
    "hint is a handle": (
        text_of(**users({"login_hints": [f"ciba-handle:{'A' * 22}"]})),
        "users[0].login_hints looks like a handle",
    ),
    "user code too short": (text_of(**users({"user_code": "123"})), "`users[0].user_code`"),
    "user code with tab": (
        text_of(**users({"user_code": "12\t34"})),
        "users[0].user_code must be printable",
    ),
    "hint issuer without keys": (
        hint_issuers({"jwks": {"keys": []}}),
        "login_hint_issuers[0].jwks: a key set needs",
    ),
    "hint issuer with an unknown algorithm": (
        hint_issuers({"algorithms": ["RS256"]}),
        "`login_hint_issuers[0].algorithms[0]`",
    ),
    "hint issuer without algorithms": (
        hint_issuers({"algorithms": []}),
        "`login_hint_issuers[0].algorithms`",
    ),
    "hint issuer twice": (hint_issuers({}, {}), "login_hint_issuers[0].iss is used twice"),
    "hint issuer is the service": (
        hint_issuers({"iss": HTTP}),
        "login_hint_issuers[0].iss is this service",
    ),
    "preset with https": (
        text_of(HTTPS, **users({"activation_code": "K7QM-2RXP"})),
        "users[0].activation_code needs an http issuer",
    ),
    "preset too short": (
        text_of(**users({"activation_code": "K7Q-M2R-X"})),
        "users[0].activation_code must have at least 8",
    ),
    "preset of separators": (
        text_of(**users({"activation_code": "------------"})),
        "users[0].activation_code must have at least 8",
    ),
    "preset with signs": (
        text_of(**users({"activation_code": "K7QM_2RXP"})),
        "users[0].activation_code must have at least 8",
    ),
    "preset too long": (
        text_of(**users({"activation_code": "A" * 65})),
        "`users[0].activation_code`",
    ),
    "preset twice": (
        text_of(**users({"activation_code": "OLIO-2RXP"}, {"activation_code": "0110 2rxp"})),
        "users[1].activation_code is used twice",
    ),
    "clients as table": (
        text_of(clients=()) + "\n[clients]",
        "Expected `array`, got `object` - at `clients`",
    ),
    "unknown client member": (
        text_of(clients=client(backchannel_delivery="poll")),
        "clients[0].backchannel_delivery is not a known member",
    ),
    "client of wrong type": (
        text_of(clients=client(polling_interval="5")),
        "clients[0]: Expected `int`, got `str` - at `polling_interval`",
    ),
    "unknown profile": (
        text_of(clients=client(profile="fapi")),
        "'fapi' - at `profile`: it must be one of fapi-ciba, fapi2-ciba, ciba-core",
    ),
    "unknown role": (
        text_of(operators=[{"name": "eve", "roles": ["all"], "tokens": []}]),
        "'all' - at `operators[0].roles[0]`: it must be one of read, write",
    ),
    "client id": (text_of(clients=(WireClient("my till", key=TILL.key),)), "clients[0]: client_id"),
    "client id twice": (
        text_of(clients=(TILL, TILL)),
        "clients[0] (till): client_id is used twice",
    ),
    "interval": (text_of(clients=client(polling_interval=301)), "clients[0]: polling_interval"),
    "no grant": (text_of(clients=client(grant_types=[])), "clients[0]: grant_types must contain"),
    "jwks_uri and jwks": (text_of(clients=client(jwks_uri="https://c/j")), "clients[0]: jwks_uri "),
    "jwks_uri without TLS": (
        text_of(clients=client(jwks=None, jwks_uri="http://c/j")),
        "clients[0]: jwks_uri must be an https URL",
    ),
    "no keys": (text_of(clients=client(jwks={"keys": []})), "clients[0]: jwks: "),
    "private key": (
        text_of(clients=client(jwks={"keys": [TILL.key.as_dict(private=True)]})),
        "clients[0]: jwks: ",
    ),
    "auth method": (
        text_of(clients=client(token_endpoint_auth_method="client_secret_basic")),
        "clients[0]: token_endpoint_auth_method must be one of private_key_jwt",
    ),
    "certificate-bound": (
        text_of(clients=client(tls_client_certificate_bound_access_tokens=True)),
        "clients[0] (till) needs client certificates: set mtls.port or mtls.proxies",
    ),
    "fapi-ciba": (
        text_of(clients=client(profile="fapi-ciba")),
        "clients[0] (till) needs client certificates",
    ),
    "undeclared type": (
        text_of(clients=client(authorization_details_types=["loan"])),
        "clients[0] (till) has one of authorization_details_types that is not declared",
    ),
    "declared type without schema": (
        text_of(authorization_details_types=[{"type": "loan", "title": "Loan"}]),
        "schema",
    ),
    "declared type that is built in": (
        text_of(
            authorization_details_types=[
                {"type": "payment_initiation", "title": "Pay", "schema": {}}
            ]
        ),
        "authorization_details_types: ",
    ),
    "ping without TLS": (
        text_of(
            clients=client(
                backchannel_token_delivery_mode="ping",
                backchannel_client_notification_endpoint="http://localhost/cb",
            )
        ),
        "clients[0] (till): backchannel_client_notification_endpoint without TLS needs",
    ),
    "push under FAPI": (
        text_of(
            clients=client(
                profile="fapi-ciba",
                backchannel_token_delivery_mode="push",
                backchannel_client_notification_endpoint="https://c.example/cb",
            )
        ),
        "clients[0]: backchannel_token_delivery_mode: push is not allowed by profile",
    ),
    "registration without enabled": (
        text_of(registration={"scope": "openid payments"}),
        "registration.enabled is not set",
    ),
    "registration by nobody": (
        text_of(registration={"enabled": True}),
        "registration.initial_access_tokens or registration.open",
    ),
    "registration by anybody and somebody": (
        text_of(registration=registration_section(open=True)),
        "registration.initial_access_tokens or registration.open",
    ),
    "open registration in earnest": (
        text_of(HTTPS, registration=registration_section(open=True, initial_access_tokens=[])),
        "registration.open needs an http issuer",
    ),
    "registration of an undeclared type": (
        text_of(registration=registration_section(authorization_details_types=["loan"])),
        "registration.authorization_details_types: loan is not declared",
    ),
    "registration without openid": (
        text_of(registration=registration_section(scope="payments")),
        "registration.scope must be scope tokens, openid among them",
    ),
    "registration of two spaces": (
        text_of(registration=registration_section(scope="openid  payments")),
        "registration.scope must be scope tokens, openid among them",
    ),
    "initial access token in clear": (
        text_of(registration=registration_section(initial_access_tokens=[CLEAR])),
        "registration.initial_access_tokens[0].sha256",
    ),
    "two receivers of one name": (
        pushing_to({"name": "siem", "url": SIEM}, {"name": "siem", "url": SIEM}),
        "security_events.receivers[0].name is used twice",
    ),
    "receiver without TLS": (
        pushing_to({"name": "siem", "url": "http://127.0.0.1:1/"}),
        "security_events.receivers[0].url without TLS needs outbound.allow_loopback_http",
    ),
    "receiver of no address": (
        pushing_to({"name": "siem", "url": "https://siem.example/#here"}),
        "security_events.receivers[0].url: ",
    ),
    "receiver of a kind that is none": (
        pushing_to({"name": "siem", "url": SIEM, "kinds": ["pin_changed", "everything"]}),
        "security_events.receivers[0].kinds: there is no everything",
    ),
    "receiver with a token that is none": (
        pushing_to({"name": "siem", "url": SIEM, "token": "two words"}),
        "security_events.receivers[0].token",
    ),
    "receiver for ever": (
        pushing_to({"name": "siem", "url": SIEM, "keep_hours": 169}),
        "security_events.receivers[0].keep_hours",
    ),
    "statement issuer without keys": (
        text_of(registration=registration_section(software_statement_issuers=[VOUCHER])),
        "registration.software_statement_issuers[0].jwks: ",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_stops_the_start(case: str):
    """The refusal names the key and the reason."""
    text, reason = WRONG[case]
    with pytest.raises(InvalidSettingsError) as refused:
        parse_settings(text, {})
    for part in reason.split(".*"):
        assert part in str(refused.value)


@pytest.mark.clause("oidc-2-2")
def test_a_subject_is_one_users_and_at_most_255_ascii_characters():
    """As long as that it is taken; longer, of other characters or given twice it is refused."""
    longest = "s" * 255
    assert parse_settings(text_of(**users({"sub": longest})), {}).users[0].sub == longest
    for wrong in (
        users({"sub": f"{longest}s"}),
        users({"sub": "s\u00fc"}),
        users({"sub": longest}, {"sub": longest}),
        users({"sub": "s@b.example"}, {"sub": "S@B.example"}),
    ):
        with pytest.raises(InvalidSettingsError, match=r"sub"):
            parse_settings(text_of(**wrong), {})


def test_a_secret_is_in_no_refusal_and_in_no_repr():
    """Passwords and activation codes stay out of whatever may be printed."""
    settings = parsed(
        store={"url": "redis://u:hunter2@a"},
        security_events={"receivers": [{"name": "siem", "url": SIEM, "token": "hunter2"}]},
        **users({"activation_code": "HUNTER2HUNTER2"}),
    )
    assert "hunter2" not in repr(settings).lower()
    for url in ("redis://u:hunter2@[a", "http://u:hunter2@a", "redis://u:hunter2@a:x"):
        with pytest.raises(InvalidSettingsError) as refused:
            parsed(store={"url": url})
        assert "hunter2" not in str(refused.value)


def test_what_is_harmless_is_accepted():
    """One's own name as a hint, a hint twice, presets in development."""
    settings = parsed(
        **users({"login_hints": ["u0", "a", "a"], "activation_code": "ALICE-PHONE-ONE"}),
        device={"second_secret": False},
    )
    assert settings.users[0].login_hints == ("u0", "a", "a")


def test_the_demo_resource_is_there_in_development_or_on_demand():
    """An https issuer has none unless it says so; the environment can say it, too."""
    assert parsed().serves_resource
    assert not parsed(HTTPS).serves_resource
    assert not parsed(resource={"enabled": False}).serves_resource
    assert parsed(HTTPS, environ={"CIBA_RESOURCE__ENABLED": "true"}).serves_resource


def test_a_redis_of_ones_own_is_described_in_full():
    """URLs, mode, user and files become one target."""
    files = {"ca_file": "ca", "certificate_file": "c", "key_file": "k"}
    store = parsed(
        store={
            "urls": ["rediss://a:1", "rediss://b:2"],
            "mode": "sentinel",
            "master_name": "m",
            "username": "u",
            "password": "p",
            "sentinel_username": "s",
            "sentinel_password": "hunter2",
            **files,
        }
    ).store
    target = store.target()
    assert target.mode is RedisMode.SENTINEL
    assert target.addresses == (Address("a", 1), Address("b", 2))
    assert (target.master_name, target.username, target.password) == ("m", "u", "p")
    assert (target.sentinel_username, target.sentinel_password) == ("s", "hunter2")
    assert target.tls == RedisTls("ca", "c", "k")
    assert "hunter2" not in repr(store) + repr(target)


def test_the_environment_overrides_the_file():
    """Numbers, booleans, text and lists; text stays text even when it looks like a number."""
    settings = parsed(
        environ={
            "CIBA_SERVER__PORT": "9443",
            "CIBA_SERVER__LOG_LEVEL": "debug",
            "CIBA_DEVICE__SECOND_SECRET": "false",
            "CIBA_STORE__URLS": '["redis://a"]',
            "CIBA_STORE__PASSWORD": "12345",
            "CIBA_TOKENS__AUDIENCE": "true",
            "CIBA_STORE__DEADLINE_MS": "100",
            "CIBA_CONFIG": "something else",
            "PATH": "/bin",
        },
        server={"port": 1},
    )
    assert settings.server.port == 9443
    assert settings.server.log_level == "debug"
    assert settings.device.second_secret is False
    assert settings.store.urls == ("redis://a",)
    assert settings.store.password == "12345"
    assert settings.tokens.audience == "true"
    assert settings.store.deadline_ms == 100


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CIBA_SERVER__PROT", "1", "CIBA_SERVER__PROT: there is no key server.prot"),
        ("CIBA_SERVER__", "1", "CIBA_SERVER__: there is no key server."),
        ("CIBA_SERVER__PORT__X", "1", "CIBA_SERVER__PORT__X: there is no key server.port__x"),
        ("CIBA_SERVR__PORT", "1", "CIBA_SERVR__PORT: there is no key servr.port"),
        ("CIBA_SERVER__PORT", "many", "CIBA_SERVER__PORT: Expected `int`, got `str`"),
        ("CIBA_SERVER__PORT", "70000", "CIBA_SERVER__PORT: Expected `int` <= 65535"),
        ("CIBA_SERVER__HOST", "", "CIBA_SERVER__HOST: Expected `str` of length >= 1"),
        ("CIBA_STORE__URL", "", "CIBA_STORE__URL: Expected `str` of length >= 1"),
        ("CIBA_DEVICE__SECOND_SECRET", "no", "CIBA_DEVICE__SECOND_SECRET: Expected `bool`"),
        (
            "CIBA_DEVICE__LOCALE",
            "fr",
            "CIBA_DEVICE__LOCALE: Invalid enum value 'fr': it must be one of en, de",
        ),
        ("CIBA_USERS__SUB", "eve", "CIBA_USERS__SUB: [[users]] cannot be overridden"),
        ("CIBA_CLIENTS__ENABLED", "true", "CIBA_CLIENTS__ENABLED: [[clients]] cannot be"),
    ],
)
def test_a_wrong_override_stops_the_start(name: str, value: str, reason: str):
    """Whether the variable or its value is wrong, the refusal says so."""
    with pytest.raises(InvalidSettingsError, match=re.escape(reason)):
        parsed(environ={name: value})


def test_networks_and_development_switch_of_the_door():
    """Networks beside the public ones, from the file or the environment; http on this machine."""
    settings = parsed(
        outbound={"allow_loopback_http": True},
        environ={"CIBA_OUTBOUND__ALLOWED_NETWORKS": "['10.1.0.0/16', 'fd12::1']"},
    )
    assert settings.outbound.allow_loopback_http
    assert settings.outbound.allowed_networks == ("10.1.0.0/16", "fd12::1")


def test_a_list_cannot_be_smuggled_in_by_the_environment():
    """[[users]] cannot be made where the file has none."""
    with pytest.raises(InvalidSettingsError, match=r"\[\[users\]\] cannot be overridden"):
        parsed(users=(), environ={"CIBA_USERS__SUB": "eve"})


@pytest.mark.parametrize(
    ("host", "issuer", "tls", "expected"),
    [
        ("127.0.0.1", HTTPS, False, None),
        ("::1", HTTPS, False, None),
        ("localhost", HTTP, False, None),
        ("0.0.0.0", HTTPS, True, None),  # noqa: S104 - the point of the test
        ("0.0.0.0", HTTPS, False, "let nothing but the proxy"),  # noqa: S104
        ("::", HTTP, False, "for this machine only"),
    ],
)
def test_plain_http_to_other_machines_is_named(
    host: str, issuer: str, expected: str | None, *, tls: bool
):
    """It is right behind a proxy or in a container, so that it is a warning and no refusal."""
    more = {"tls_certificate": "c", "tls_key": "k"} if tls else {}
    exposure = parsed(issuer, server={"host": host, **more}).exposure
    assert (exposure is None) is (expected is None)
    assert (expected or "") in (exposure or "")


def test_loopback_is_this_machine_alone():
    """Names are not looked up."""
    assert is_loopback("127.8.8.8")
    assert not is_loopback("127.0.0.1.example")
    assert not is_loopback("")


# --- Files ---


def load(path: Path, text: str | bytes | None = None) -> Settings:
    """Read a file, after writing it."""
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(path, {})


def test_a_file_is_read(tmp_path: Path):
    """A good file gives good settings."""
    assert load(tmp_path / "ciba.toml", text_of()).users[0].sub == "alice"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    """The reason is the system's."""
    with pytest.raises(InvalidSettingsError, match="cannot be read: No such file or directory"):
        load(tmp_path / "ciba.toml")


def test_a_directory_is_no_file(tmp_path: Path):
    """Nor is a directory read."""
    with pytest.raises(InvalidSettingsError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path):
    """Latin-1 is not guessed."""
    with pytest.raises(InvalidSettingsError, match="is not UTF-8 text"):
        load(tmp_path / "ciba.toml", text_of().encode() + b"# \xe4")


def certificate(directory: Path, name: str, password: bytes | None = None) -> tuple[str, str]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    files = directory / f"{name}.pem", directory / f"{name}.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(private)
    return str(files[0]), str(files[1])


def test_certificates_that_fit_are_accepted(tmp_path: Path):
    """Those of the service and those for Redis are loaded once to see."""
    cert, key = certificate(tmp_path, "a")
    text = text_of(
        HTTPS,
        server={"tls_certificate": cert, "tls_key": key},
        store={
            "url": "rediss://r", "ca_file": cert, "certificate_file": cert, "key_file": key
        },
        outbound={"ca_bundle": cert, "client_certificate": cert, "client_key": key},
    )  # fmt: skip
    assert load(tmp_path / "ciba.toml", text).server.tls_key == key


def test_certificates_that_do_not_fit_stop_the_start(tmp_path: Path):
    """Missing, of another key, under a password, no certificate at all: each is named."""
    cert, key = certificate(tmp_path, "a")
    _, other = certificate(tmp_path, "b")
    locked_cert, locked = certificate(tmp_path, "c", b"hunter2")
    (nonsense := tmp_path / "nonsense").write_text("nonsense")
    absent = str(tmp_path / "absent")
    refusals = [
        ({"server": {"tls_certificate": absent, "tls_key": key}}, "server.tls_certificate: .*No"),
        ({"server": {"tls_certificate": cert, "tls_key": absent}}, "server.tls_certificate: .*No"),
        ({"server": {"tls_certificate": cert, "tls_key": other}}, "server.tls_certif.* not fit"),
        ({"server": {"tls_certificate": locked_cert, "tls_key": locked}}, "server.tls.* not fit"),
        ({"server": {"tls_certificate": str(nonsense), "tls_key": key}}, "server.tls.* not fit"),
        ({"store": {"url": "rediss://r", "ca_file": absent}}, "store.ca_file: .*cannot be read"),
        ({"store": {"url": "rediss://r", "ca_file": str(nonsense)}}, "store.ca_file: .*not fit"),
        (
            {"store": {"url": "rediss://r", "certificate_file": cert, "key_file": other}},
            "store.certificate_file: .* not fit",
        ),
        ({"outbound": {"ca_bundle": absent}}, "outbound.ca_bundle: .*cannot be read"),
        ({"outbound": {"ca_bundle": str(nonsense)}}, "outbound.ca_bundle: .*not fit"),
        (
            {"outbound": {"client_certificate": cert, "client_key": other}},
            "outbound.client_certificate: .* not fit",
        ),
    ]
    for sections, reason in refusals:
        with pytest.raises(InvalidSettingsError, match=reason):
            load(tmp_path / "ciba.toml", text_of(HTTPS, **sections))


def test_the_environment_of_the_process_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without another one the process's own environment overrides."""
    path = tmp_path / "ciba.toml"
    path.write_text(text_of())
    monkeypatch.setitem(os.environ, "CIBA_SERVER__PORT", "7")
    assert load_settings(path).server.port == 7


LOAN = """
[[authorization_details_types]]
type = "loan"
title = {title}
schema = {{properties = {{type = {{}}, sum = {{type = "integer"}}}}}}
display = [{{member = "sum", label = {label}}}]
"""
BOTH = '{en = "Loan", de = "Darlehen"}'


@pytest.mark.parametrize(
    ("title", "label", "languages", "defect"),
    [
        ('"Loan"', '"Sum"', [], None),
        ('"Darlehen"', '"Summe"', ["de", "de"], None),
        (BOTH, '{en = "Sum", de = "Summe"}', ["de", "en"], None),
        (BOTH, '"Sum"', ["de"], "display: sum: label"),
        ('"Loan"', '{en = "Sum", de = "Summe"}', ["de", "en"], "title"),
    ],
)
def test_users_of_different_languages_need_texts_of_both(
    title: str, label: str, languages: list[str], defect: str | None
):
    """Nobody is silently shown another language; one text will do where all have the same."""
    device = {"locale": "de"} if languages == ["de", "de"] else {}
    tables = users(*({"locale": locale} for locale in languages))
    text = text_of(device=device, **tables) + LOAN.format(title=title, label=label)
    if defect is None:
        assert "loan" in parse_settings(text, {}).detail_types.names
        return
    with pytest.raises(InvalidSettingsError) as refused:
        parse_settings(text, {})
    assert f"loan: {defect}: users have different languages" in str(refused.value)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ('{en = "Loan"}', "loan: title: there is no text for de"),
        ('{de = "Darlehen"}', "loan: title: there is no text for en"),
        ('{en = "Loan", de = ""}', "`authorization_details_types[0].title[...]`"),
        ('{en = "Loan", de = "Darlehen", fr = "Prêt"}', "authorization_details_types[0].title"),
        ('{en = "Loan", de = "Dar\\u200blehen"}', "loan: title: it has a character"),
    ],
)
def test_texts_of_a_type_are_there_in_every_language(title: str, reason: str):
    """A language that is missing, empty, unknown or not plain stops the start."""
    text = text_of() + LOAN.format(title=title, label='"Sum"')
    with pytest.raises(InvalidSettingsError) as refused:
        parse_settings(text, {})
    assert reason in str(refused.value)


def test_the_logo_of_a_client_is_read_at_the_start(tmp_path: Path):
    """Whatever is no small PNG stops it."""
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(png())
    bad.write_bytes(b"GIF89a")
    (shop,) = parsed(clients=client(logo_file=str(good))).clients
    assert shop.logo is not None
    assert shop.logo.content == png()
    for file, reason in (
        (str(bad), "clients[0].logo_file: .*bad.png is no PNG"),
        (str(tmp_path / "absent.png"), "clients[0].logo_file: .*absent.png' cannot be read"),
        (str(tmp_path), "clients[0].logo_file: .* cannot be read"),
        ("\0", "clients.logo_file: holds the character"),
        (5, "clients[0].logo_file: expected `str`"),
    ):
        pattern = reason.replace("[0].", r"\[0\]\.")
        with pytest.raises(InvalidSettingsError, match=pattern):
            parsed(clients=client(logo_file=file))


def test_pages_may_act_as_phones_where_there_are_no_passkeys():
    """Any domain will do then."""
    origins = ("https://a.example", "https://b.example:8443")
    settings = parsed(HTTPS, device={"allowed_origins": origins})
    assert settings.device.allowed_origins == origins
    assert settings.relying_party is None


def test_passkeys_are_for_pages_and_apps_of_one_domain():
    """Or there are none; synced ones only on demand."""
    assert parsed().relying_party is None
    app = "android:apk-key-hash:" + "A" * 43
    origins = ["https://bank.example", "https://app.bank.example:8443", app]
    party = parsed(
        HTTPS, device={"rp_id": "bank.example", "rp_name": "The Bank", "allowed_origins": origins}
    ).relying_party
    assert party == RelyingParty("bank.example", "The Bank", tuple(origins), allows_synced=False)
    local = {"rp_id": "localhost", "allowed_origins": ["http://localhost:8080"]}
    synced = parsed(device={**local, "synced_passkeys": True}).relying_party
    assert synced is not None
    assert synced.allows_synced


def test_a_wait_for_replicas_leaves_time_for_a_retry():
    """A fifth of the deadline at most; without replicas to wait for there is no wait at all."""
    store = parsed(store={"url": "redis://a", "deadline_ms": 1000}).store
    assert store.replica_wait is None
    patient = {"url": "redis://a", "wait_for_replicas": 2, "wait_for_replicas_ms": 400}
    assert parsed(store=patient).store.replica_wait == ReplicaWait(2, 400)
    hasty = parsed(store={**patient, "deadline_ms": 1000}).store
    assert hasty.replica_wait == ReplicaWait(2, 200)


def test_a_look_at_the_store_takes_a_second():
    """And what replicas may take; in a cluster as long as it takes to ask another node."""
    patient = {"wait_for_replicas": 2, "wait_for_replicas_ms": 400}
    looks = [
        parsed(store={"url": "redis://a", **section}).store.look_ms
        for section in ({}, patient, {"deadline_ms": 200}, {"mode": "cluster"})
    ]
    assert looks == [1000, 1400, 200, 5000]
