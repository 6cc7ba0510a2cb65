"""Rules that answer challenges: what they match, and what a wrong file is told."""

import contextlib

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticator_sim.core.deciding.rules import Action, TextMatch
from authenticator_sim.errors import UsageError
from authenticator_sim.rules_file import parse_rules
from ciba_service.sca.messages import Challenge, Display, Payment

LOGIN = Challenge(
    v=1,
    iss="https://op.example",
    transaction_id="T" * 22,
    nonce="n",
    iat=1,
    exp=2,
    locale="en",
    display=Display("Confirm sign-in", "Corner Shop", ("Your identity",), binding_message="W4SCT"),
    factors=(),
)


def payment(amount: str, currency: str = "EUR", payee: str = "Corner Shop Ltd") -> Challenge:
    """A challenge of a payment."""
    display = Display(
        "Confirm payment", "Corner Shop", (), amount=f"{amount} {currency}", payee=payee
    )
    paid = Payment(amount=amount, currency=currency, creditor_name=payee)
    return msgspec.structs.replace(LOGIN, display=display, payments=(paid,))


def judged(conditions: str, challenge: Challenge) -> bool:
    """Whether a rule with these conditions matches."""
    rules = parse_rules(f"rules: [{{when: {{{conditions}}}, then: approve}}]", name="rules")
    return rules.judge(challenge).action is Action.APPROVE


@pytest.mark.parametrize(
    ("conditions", "amount", "matches"),
    [
        ("amount: 30.00 EUR", "30.00", True),
        ("amount: 30 EUR", "30.00", True),
        ("amount: 30.00 EUR", "30.01", False),
        ("amount: '<= 30.00 EUR'", "30.00", True),
        ("amount: '< 30.00 EUR'", "30.00", False),
        ("amount: '> 30.00 EUR'", "100.00", True),
        ("amount: '>= 30.00 EUR'", "9.99", False),
        ("amount: '<= 30.00 USD'", "1.00", False),
        ("amount: ['> 10 EUR', '<= 30 EUR']", "20.00", True),
        ("amount: ['> 10 EUR', '<= 30 EUR']", "10.00", False),
    ],
)
def test_amounts_are_compared_as_numbers_in_their_currency(
    conditions: str, amount: str, *, matches: bool
):
    """Neither as text nor across currencies."""
    assert judged(conditions, payment(amount)) is matches


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ("client: Corner Shop", True),
        ("client: Corner", False),
        ("client: {like: Corner *}", True),
        ("client: {like: '*'}, binding_message: W4SCT", True),
        ("binding_message: {like: 'W?SCT'}", True),
        ("binding_message: {like: 'W??SCT'}", False),
        ("binding_message: W4", False),
        ("title: Confirm sign-in", True),
        ("payee: {like: '*'}", False),
        ("amount: '>= 0 EUR'", False),
        ("type: payment_initiation", False),
    ],
)
def test_texts_are_compared_to_the_letter_or_as_patterns(conditions: str, *, matches: bool):
    """What is not shown matches nothing."""
    assert judged(conditions, LOGIN) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "is_like"),
    [
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxbyy", False),
        ("*aab", "aaaaab", True),
        ("", "", True),
        ("**", "", True),
        ("?", "", False),
        ("[a]", "a", False),
        ("a" + "*a" * 200 + "b", "a" * 5000, False),
    ],
)
def test_patterns_know_two_signs_and_take_little_time(pattern: str, text: str, *, is_like: bool):
    """Any letters, one letter; everything else is itself."""
    assert TextMatch(pattern, is_pattern=True).matches(text) is is_like


def test_a_type_is_that_of_a_payment_or_of_a_detail():
    """As clients name it."""
    detailed = msgspec.structs.replace(LOGIN, authorization_details=({"type": "insurance"},))
    assert judged("type: insurance", detailed)
    assert judged("type: payment_initiation", payment("1.00"))
    assert not judged("type: insurance", payment("1.00"))


def test_the_first_rule_that_matches_counts():
    """Else the default; without one nothing is done."""
    rules = parse_rules(
        """
        rules:
          - {name: small, when: {amount: "<= 30.00 EUR"}, then: approve}
          - {when: {payee: Corner Shop Ltd}, then: not_me, slow: 2.5}
        default: deny
        """,
        name="rules",
    )
    found = [rules.judge(challenge) for challenge in (payment("9.00"), payment("90.00"), LOGIN)]
    assert [(each.rule, each.action, each.slow) for each in found] == [
        ("small", Action.APPROVE, 0),
        ("rule 2", Action.NOT_ME, 2.5),
        ("default", Action.DENY, 0),
    ]
    assert parse_rules("rules: []", name="rules").judge(LOGIN).action is Action.IGNORE


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "F is empty."),
        ("rules:\n  - then: aprove\n", "F, line 2: rules[0].then: Invalid enum value 'aprove'."),
        (
            "rules:\n  - then: deny\n    when:\n      amuont: 3 EUR\n",
            "F, line 3: rules[0].when: Object contains unknown field `amuont`.",
        ),
        (
            "rules:\n  - then: deny\n    when:\n      amount: three\n",
            "F, line 4: an amount is compared like <= 30.00 EUR, with <, <=, =, >= or >.",
        ),
        ("rules:\n- {}\n", "F, line 2: rules[0]: Object missing required field `then`."),
        (
            "rules:\n- then: deny\n  slow: -1\n",
            "F, line 3: rules[0].slow: Expected `float` >= 0.0.",
        ),
        (
            "rules:\n- then: deny\n  slow: soon\n",
            "F, line 3: rules[0].slow: Expected `float`, got `str`.",
        ),
        (
            "rules:\n- then: deny\n  when: {client: }\n",
            "F, line 3: rules[0].when.client: Object missing required field `like`.",
        ),
        ("rules: []\nrules: []\n", "F, line 2: the key rules stands there twice."),
        ("rules: []\n? [a]\n: b\n", "F, line 2: a key is a word."),
        ("rules: [\n", "F, line 2: expected the node content, but found '<stream end>'."),
        ("rules: &a []\ndefault: *a\n", "F, line 2: aliases are refused."),
        ("[" * 5000, "F, line 1: nested too deeply."),
        ("rules: []\n---\nrules: []\n", "F, line 2: but found another document."),
        ("a: \x07\n", "F is not YAML: it has characters that may not be there."),
        ("- x\n", "F, line 1: Expected `object`, got `array`."),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(text: str, complaint: str):
    """So that its author finds the place."""
    with pytest.raises(UsageError) as caught:
        parse_rules(text, name="F")
    assert str(caught.value) == complaint


@settings(deadline=None)
@given(st.text() | st.text(alphabet="rulesthnd:[]{}-?!&*|>#%@`'\"\n \t,<=0.9"))
def test_whatever_stands_in_a_file_it_is_read_or_refused(text: str):
    """Nothing ends the program in another way."""
    with contextlib.suppress(UsageError):
        assert parse_rules(text, name="F").rules is not None


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["rules", "default", "when", "then", "slow", "amount", "client"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_said_in_yaml_is_understood_or_refused(document: object):
    """As above, with something that is YAML."""
    with contextlib.suppress(UsageError):
        parse_rules(yaml.safe_dump(document), name="F")
