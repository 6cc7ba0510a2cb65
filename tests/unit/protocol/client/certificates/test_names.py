"""Distinguished names: equal when X.500 says so, whatever their text looks like."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.client.certificates.names import DistinguishedName, InvalidNameError

BANK = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "GB"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bank, Sons + Co"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Till  7"),
    ]
)


def same(name: x509.Name, text: str) -> bool:
    """Whether a certificate's name is the one in a text."""
    return DistinguishedName.of(name) == DistinguishedName.parse(text)


@pytest.mark.clause("rfc8705-2.1-2")
@pytest.mark.parametrize(
    "text",
    [
        r"CN=Till  7,O=Bank\, Sons \+ Co,C=GB",
        r"cn=till 7,o=BANK\, SONS \+ CO,c=gb",
        r"CN=Till 7, O=Bank\2C Sons \2b Co, C=GB",
        r"2.5.4.3=\20Till 7\ ,2.5.4.10=Bank\, Sons \+ Co,2.5.4.6=GB",
        r"CN = Till 7 , O = Bank\, Sons \+ Co , C = GB",
        r"CN=#0C0754696C6C202037,O=Bank\, Sons \+ Co,C=#13024742",
        "CN=Till\u00a07,O=\uff22ank\\, Sons \\+ Co,C=GB",
    ],
)
def test_one_name_has_many_texts(text: str):
    """Case, spaces, escapes, type names and string encodings do not distinguish names."""
    assert same(BANK, text)


@pytest.mark.clause("rfc8705-2.1-2")
@pytest.mark.parametrize(
    "text",
    [
        r"C=GB,O=Bank\, Sons \+ Co,CN=Till 7",
        r"CN=Till 7,O=Bank\, Sons \+ Co",
        r"CN=Till 7,O=Bank\, Sons \+ Co,C=GB,DC=example",
        r"CN=Till 7+O=Bank\, Sons \+ Co,C=GB",
        r"CN=Till7,O=Bank\, Sons \+ Co,C=GB",
        r"OU=Till 7,O=Bank\, Sons \+ Co,C=GB",
        r"CN=Till 7,O=Bank\\\, Sons \+ Co,C=GB",
        r"CN=Till 8,O=Bank\, Sons \+ Co,C=GB",
        r"CN=\*,O=Bank\, Sons \+ Co,C=GB".replace(r"\*", "*"),
    ],
)
def test_another_name_is_another(text: str):
    """Order, number, type and value of the attributes all count; nothing is a wildcard."""
    assert not same(BANK, text)


def test_attributes_of_one_relative_name_have_no_order():
    """They are a set, in certificates too."""
    relative = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "till"),
            x509.NameAttribute(NameOID.USER_ID, "7"),
        ]
    )
    name = x509.Name([relative])
    assert same(name, "UID=7+CN=till")
    assert same(name, "CN=till + UID=7")
    assert not same(name, "CN=till,UID=7")
    assert not same(name, "CN=till")


def test_string_encodings_of_certificates_do_not_matter():
    """RFC 5280 7.1: the same characters in another ASN.1 string are the same value."""
    for kind in (_ASN1Type.UTF8String, _ASN1Type.PrintableString, _ASN1Type.BMPString):
        assert same(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "till", kind)]), "CN=TILL")


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("organizationIdentifier=PSDGB-1", "2.5.4.97"),
        ("serialNumber=PSDGB-1", "2.5.4.5"),
        ("businessCategory=PSDGB-1", "2.5.4.15"),
        ("2.5.4.97=#0C075053444742 2D31".replace(" ", ""), "2.5.4.97"),
        ("2.5.4.97=#0c81075053444742 2d31 ".replace(" 2", "2"), "2.5.4.97"),
        ("2.5.4.97=#160750534447422D31", "2.5.4.97"),
        ("2.5.4.97=#1E0E005000530044004700420 02D0031".replace(" ", ""), "2.5.4.97"),
        ("1.2.3.4=PSDGB-1", "1.2.3.4"),
    ],
)
def test_types_of_open_banking_are_known(text: str, oid: str):
    """By name, by number, and with the hexadecimal encoding that some schemes demand."""
    name = x509.Name([x509.NameAttribute(ObjectIdentifier(oid), "PSDGB-1")])
    assert same(name, text)


@pytest.mark.parametrize("value", ["a;b", 'a"b', "a<b", "a=b", "#a", " a", "a\\b", "café", "a,b+c"])
def test_every_escaped_value_comes_back(value: str):
    """What cryptography writes as RFC 4514 is read as the name it stood for."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)])
    assert same(name, name.rfc4514_string())


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), min_size=1, max_size=4
    )
)
def test_written_names_are_read_as_themselves(values: list[str]):
    """Whatever characters they hold, unless nothing of a value is left to compare."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, value) for value in values]
    )
    if all(value.strip() for value in values):
        assert same(name, name.rfc4514_string())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "till",
        "=till",
        "CN=",
        "CN= ",
        r"CN=\ ",
        "CN=till,",
        ",CN=till",
        "CN=till,,C=GB",
        "CN=till++UID=7",
        "CN=till;C=GB",
        'CN="till"',
        "CN=<till>",
        "CN=till\\",
        r"CN=till\x",
        r"CN=till\4",
        r"CN=\ff",
        "CN=till\0",
        r"CN=till\00",
        "CN=till\n",
        "CN=\ud800",
        "unheardOf=till",
        "2.05.4=till",
        "2=till",
        "CN=#",
        "CN=#0",
        "CN=#zz",
        "CN=#0C",
        "CN=#0C05616161",
        "CN=#0C026161 61",
        "CN=#0C81",
        "CN=#0C8200026161",
        "CN=#0402aabb",
        "CN=#0C02ffff",
        "CN=#1E0161",
        "CN=" + "a" * 2048,
    ],
)
def test_a_text_that_is_no_name_is_refused(text: str):
    """Where a text could be read in two ways, or in none, there is no name."""
    with pytest.raises(InvalidNameError):
        DistinguishedName.parse(text)
