"""docker-compose.yml is valid, and gives nothing away.

``compose_spec.json`` is the schema of the Compose Specification (Apache-2.0), unchanged.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads(Path(__file__).with_name("compose_spec.json").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Mapping[str, Any]] = COMPOSE["services"]
PHONES = ("phone", "phone-enrol")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def problems(compose: Mapping[str, Any]) -> list[str]:
    """What the schema has against a compose file; keys beginning with x- are its own business."""
    plain = {key: value for key, value in compose.items() if not key.startswith("x-")}
    return [error.message for error in Draft201909Validator(SCHEMA).iter_errors(plain)]


def mounts(service: Mapping[str, Any]) -> list[list[str]]:
    """The volumes of a service as source, target and mode."""
    return [volume.split(":") for volume in service.get("volumes", ())]


def option(command: list[str], name: str) -> str:
    """The value that a command line gives to an option."""
    return command[command.index(name) + 1]


def test_the_file_is_valid():
    """The Compose Specification's schema has nothing against it."""
    assert problems(COMPOSE) == []


def test_the_schema_would_notice():
    """A misspelt key of a service is refused."""
    wrong = {"services": {"ciba": {**SERVICES["ciba"], "read_onyl": True}}}
    (problem,) = problems(wrong)
    assert "read_onyl" in problem


@each_service
def test_a_container_has_no_power_over_its_host(name: str):
    """No privileges, no capabilities, no new ones, no root, a read-only file system."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & service.keys()
    assert service.get("network_mode", "service:ciba") == "service:ciba"
    assert not service.get("user", "10001").startswith(("0", "root"))


@each_service
def test_ports_are_published_on_this_machine_only(name: str):
    """Every published port is bound to a loopback address."""
    for port in SERVICES[name].get("ports", ()):
        address, _, _ = port.rpartition(":")[0].rpartition(":")
        assert ipaddress.ip_address(address).is_loopback


def test_only_service_and_web_phone_are_published():
    """Redis has no port outside its own network, which leads nowhere."""
    published = [name for name, service in SERVICES.items() if "ports" in service]
    assert published == ["ciba", "phone-web"]
    assert SERVICES["redis"]["networks"] == ["store"]
    assert COMPOSE["networks"]["store"] == {"internal": True}


@each_service
def test_every_mount_exists(name: str):
    """Named volumes are declared; files of the project exist and are mounted read-only."""
    for source, target, *mode in mounts(SERVICES[name]):
        assert Path(target).is_absolute()
        if source.startswith("./"):
            assert (ROOT / source).is_file()
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


def test_redis_loses_no_write():
    """Every write is on disk before it is answered, and nothing is ever evicted."""
    command = SERVICES["redis"]["command"]
    assert option(command, "--appendonly") == "yes"
    assert option(command, "--appendfsync") == "always"
    assert option(command, "--maxmemory-policy") == "noeviction"
    assert ["redis-data", "/data"] in mounts(SERVICES["redis"])


def test_each_waits_for_what_it_needs():
    """The service waits for Redis, the phone for the service and for its enrolment."""
    assert SERVICES["ciba"]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert SERVICES["phone"]["depends_on"] == {
        "ciba": {"condition": "service_healthy"},
        "phone-enrol": {"condition": "service_completed_successfully"},
    }
    assert "test" in SERVICES["redis"]["healthcheck"]


@pytest.mark.parametrize("name", PHONES)
def test_the_phone_meets_the_service_on_loopback(name: str):
    """The issuer is plain http, so the phone shares the service's network and its own disk."""
    assert SERVICES[name]["network_mode"] == "service:ciba"
    command = SERVICES[name]["command"]
    assert mounts(SERVICES[name]) == [["phone-data", option(command, "--state")]]


def test_the_service_lets_the_web_phone_in():
    """Its origin is allowed, links lead to it, and it is told the service's issuer."""
    settings = tomllib.loads((ROOT / "deploy/ciba.compose.toml").read_text(encoding="utf-8"))
    service = SERVICES["phone-web"]
    assert settings["server"]["issuer"] == option(service["command"], "--issuer")
    (published,) = service["ports"]
    origin = f"http://localhost:{published.split(':')[1]}"
    assert settings["device"]["allowed_origins"] == [origin]
    assert settings["device"]["phone_url"] == f"{origin}/"


def test_the_service_is_configured_for_the_phone():
    """The mounted configuration has the issuer and the activation code that the phone uses."""
    settings = tomllib.loads((ROOT / "deploy/ciba.compose.toml").read_text(encoding="utf-8"))
    command = SERVICES["phone-enrol"]["command"]
    assert settings["server"]["issuer"] == option(command, "--issuer")
    codes = [user.get("activation_code") for user in settings["users"]]
    assert option(command, "--activation-code") in codes


def test_the_link_of_the_readme_brings_a_code_for_the_phone_of_browsers():
    """It is a code of the mounted configuration, and not the one that the other phone uses up."""
    settings = tomllib.loads((ROOT / "deploy" / "ciba.compose.toml").read_text("utf-8"))
    link = re.search(
        r"docker compose up.*<(http://localhost:8070/)#([\w-]+)>", (ROOT / "README.md").read_text()
    )
    assert link is not None
    assert link[1] == settings["device"]["phone_url"]
    codes = {user["sub"]: user["activation_code"] for user in settings["users"]}
    assert link[2] == codes["bob"] != codes["alice-approves"]
