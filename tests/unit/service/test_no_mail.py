"""No request, code or secret leaves the service by mail or as a text message."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAIL = {"smtplib", "imaplib", "poplib", "aiosmtplib", "aiosmtpd", "twilio", "smpplib", "boto3"}


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.clause("nist63b-3.1.3.1-4")
def test_nothing_here_sends_mail():
    """Phones are reached by their own connections only."""
    files = list((ROOT / "ciba_service").rglob("*.py"))
    assert len(files) > 100
    found = {package for path in files for package in imported(path)}
    assert "msgspec" in found
    assert not found & MAIL
