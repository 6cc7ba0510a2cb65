"""The wheel has what the service reads when it runs, beside its modules."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("ciba_service", "authenticator_sim", "ciba_client")


def test_the_wheel_has_every_file_of_the_packages(tmp_path: Path):
    """Scripts of the store, the OpenAPI document and markers of types are packed."""
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own build
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for package in SOURCES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "ciba_service/endpoints/openapi.json" in files
    assert files <= packed
