"""deploy/prepare.py, which is a program and in no package, as the tests call it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def program(name: str) -> ModuleType:
    """A program of the folder deploy, loaded once."""
    known = sys.modules.get(f"deploy_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / f"deploy/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


Places, prepare = program("prepare").Places, program("prepare").prepare
