"""docker-compose.yml is valid, fits together, and gives nothing away.

``compose_spec.json`` is the schema of the Compose Specification (Apache-2.0), unchanged, as the
package check-jsonschema 0.39.0 brings it.
"""

import ipaddress
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.deployment.compose_files import (
    COMPOSE,
    ROOT,
    TLS,
    command_of,
    environment_of,
    mounts,
)
from tests.deployment.prepared import program

SCHEMA = json.loads(Path(__file__).with_name("compose_spec.json").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
REPLICAS = ("ciba-1", "ciba-2")
BESIDE_NGINX = ("phone", "phone-enrol", "playground")
ALONE = ("prepare", "keys")
PUBLISHED = {"nginx": 3, "phone-web": 1, "prometheus": 1, "grafana": 1}
SETTINGS = tomllib.loads((ROOT / "deploy/ciba.compose.toml").read_text("utf-8"))
TLS_SETTINGS = tomllib.loads((ROOT / "deploy/ciba.tls.toml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def problems(compose: dict[str, Any]) -> list[str]:
    """What the schema has against a compose file."""
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(compose)]


def option(command: list[str], name: str) -> str:
    """The value that a command line gives to an option."""
    return command[command.index(name) + 1]


def seconds(time: str) -> int:
    """A time in whole seconds."""
    return int(time.removesuffix("s"))


@pytest.mark.parametrize("file", [COMPOSE, TLS], ids=["plain", "tls"])
def test_the_file_is_valid(file: dict[str, Any]):
    """The Compose Specification's schema has nothing against it."""
    assert problems(file) == []


def test_the_schema_would_notice():
    """A misspelt key of a service is refused."""
    wrong = {"services": {"ciba-1": {**SERVICES["ciba-1"], "read_onyl": True}}}
    (problem,) = problems(wrong)
    assert "read_onyl" in problem


@each_service
def test_a_container_has_no_power_over_its_host(name: str):
    """No privileges, no capabilities, no new ones, no root, a read-only file system, bounds."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & service.keys()
    expected = "service:nginx" if name in BESIDE_NGINX else "none" if name in ALONE else None
    assert service.get("network_mode") == expected
    assert not service.get("user", "10001").startswith(("0", "root"))
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}


@each_service
def test_an_image_is_one_version_or_our_own(name: str):
    """Nothing is ``latest``; what is not ours says by itself that it is not root."""
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert image == "ciba-service" or re.match(r"v?\d+\.\d+", tag)
    assert image == "ciba-service" or "user" in SERVICES[name]


@each_service
def test_ports_are_published_on_this_machine_only(name: str):
    """Every published port is bound to a loopback address."""
    ports = [*SERVICES[name].get("ports", ()), *TLS["services"].get(name, {}).get("ports", ())]
    for port in ports:
        address, _, _ = port.rpartition(":")[0].rpartition(":")
        assert ipaddress.ip_address(address).is_loopback


def test_replicas_and_redis_are_reached_by_nobody_else():
    """They publish no port; Redis is in a network of its own, which leads nowhere."""
    published = {name: len(each["ports"]) for name, each in SERVICES.items() if "ports" in each}
    assert published == PUBLISHED
    assert SERVICES["redis"]["networks"] == ["store"]
    assert COMPOSE["networks"]["store"] == {"internal": True}
    inside = {name for name, each in SERVICES.items() if "store" in each.get("networks", ())}
    assert inside == {"redis", *REPLICAS}


@each_service
def test_every_mount_exists(name: str):
    """Named volumes are declared; files of the project exist and are mounted read-only."""
    for source, target, *mode in [
        *mounts(SERVICES[name]),
        *mounts(TLS["services"].get(name, {})),
    ]:
        assert Path(target).is_absolute()
        if source.startswith("./"):
            assert (ROOT / source).is_file()
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


def test_every_volume_is_written_by_those_who_may():
    """Keys are made by one container and read by two; nobody writes what ``prepare`` wrote."""
    writers: dict[str, set[str]] = {name: set() for name in COMPOSE["volumes"]}
    for name, service in SERVICES.items():
        for source, _, *mode in mounts(service):
            if source in writers and not mode:
                writers[source].add(name)
    assert writers["keys"] == {"keys"}
    assert writers["ciba-data"] == set(REPLICAS)
    assert all(writers[each] == {"prepare"} for each in ("configuration", "tls", "playground-data"))
    assert all(len(names) for names in writers.values())


def test_redis_loses_no_write():
    """Every write is on disk before it is answered, and nothing is ever evicted."""
    command = SERVICES["redis"]["command"]
    assert option(command, "--appendonly") == "yes"
    assert option(command, "--appendfsync") == "always"
    assert option(command, "--maxmemory-policy") == "noeviction"
    assert ["redis-data", "/data"] in mounts(SERVICES["redis"])


def test_redis_lets_the_service_in_and_nobody_else():
    """Its user has the rights that docs/configuration.md names, and the replicas its password."""
    command = command_of("redis")
    nobody, health, user = (
        command[start + 1 :] for start, word in enumerate(command) if word == "--user"
    )
    # As whom Redis replays its file: what this user may not do is lost at the next start.
    assert nobody[:6] == ["default", "off", "~*", "&*", "+@all", "--user"]
    assert health[:6] == ["health", "on", "nopass", "resetkeys", "resetchannels", "-@all"]
    assert health[6:8] == ["+ping", "--user"]
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    rights = re.search(r"may do all the service does: `([^`]+)`", page)
    assert rights is not None
    assert user[3:] == rights[1].split()
    told = environment_of("ciba-1")
    assert user[:3] == [
        told["CIBA_STORE__USERNAME"], "on", ">" + told["CIBA_STORE__PASSWORD"],
    ]  # fmt: skip


def test_the_replicas_are_alike():
    """But for their address nothing differs."""
    first, second = (dict(SERVICES[name]) for name in REPLICAS)
    addresses = [each.pop("networks")["back"]["ipv4_address"] for each in (first, second)]
    assert first == second
    assert len(set(addresses)) == 2


def test_the_service_believes_nginx_alone():
    """Certificates are forwarded by one address, which is fixed, in the header that nginx sets."""
    networks = COMPOSE["networks"]["back"]["ipam"]["config"]
    subnet = ipaddress.ip_network(networks[0]["subnet"])
    address = SERVICES["nginx"]["networks"]["back"]["ipv4_address"]
    text = (ROOT / "deploy/nginx/service.conf").read_text("utf-8")
    for settings in (SETTINGS, TLS_SETTINGS):
        assert settings["mtls"]["proxies"] == [address]
        header = settings["mtls"]["certificate_header"]
        assert f"proxy_set_header {header} $ssl_client_escaped_cert;" in text
        told = settings["server"]["address_header"]
        assert f"proxy_set_header {told} $remote_addr;" in text
    fixed = [SERVICES[name]["networks"]["back"]["ipv4_address"] for name in ("nginx", *REPLICAS)]
    assert all(ipaddress.ip_address(each) in subnet for each in fixed)


def test_the_kiosk_is_notified_where_the_playground_listens():
    """Through nginx, at the one address that the service may call."""
    text = (ROOT / "deploy/nginx/playground.conf").read_text("utf-8")
    assert f"proxy_pass http://{option(command_of('playground'), '--listen')};" in text
    for settings in (SETTINGS, TLS_SETTINGS):
        (kiosk,) = (each for each in settings["clients"] if each["client_id"] == "kiosk")
        endpoint = kiosk["backchannel_client_notification_endpoint"]
        assert endpoint == program("prepare").ENDPOINT
        assert re.search(r"listen 8446 ssl;.*location = /notifications", text, re.DOTALL)
        assert settings["outbound"]["allowed_networks"] == settings["mtls"]["proxies"]


@pytest.mark.parametrize("kind", ["development", "tls"])
def test_nginx_leads_where_something_listens(kind: str):
    """Each port that is published is one that nginx listens on, and each replica one of its own."""
    text = "".join(
        (ROOT / f"deploy/nginx/{name}.conf").read_text("utf-8")
        for name in ("nginx", f"front.{kind}", "mtls", "playground")
    )
    listened = set(re.findall(r"listen (\d+)", text)) - {"8446"}  # of notifications: inside only
    ports = (TLS if kind == "tls" else COMPOSE)["services"]["nginx"]["ports"]
    assert {port.rpartition(":")[2] for port in ports} == listened
    port = environment_of("ciba-1")["CIBA_SERVER__PORT"]
    assert re.findall(r"server (\S+) max_fails", text) == [f"{name}:{port}" for name in REPLICAS]


@pytest.mark.parametrize(
    ("settings", "services", "kind"),
    [(SETTINGS, SERVICES, "development"), (TLS_SETTINGS, TLS["services"], "tls")],
    ids=["plain", "tls"],
)
def test_addresses_are_published_as_they_are_configured(
    settings: dict[str, Any], services: dict[str, Any], kind: str
):
    """Issuer, aliases and web phone are where the configuration says, from this machine."""
    issuer, aliases = settings["server"]["issuer"], settings["mtls"]["base_url"]
    ports = [port.split(":")[1] for port in services["nginx"]["ports"]]
    assert {issuer.rpartition(":")[2], aliases.rpartition(":")[2]} <= set(ports)
    page = settings["device"]["phone_url"].removesuffix("/")
    assert settings["device"]["allowed_origins"] == [page]
    command = services["phone-web"]["command"]
    assert option(command, "--issuer") == issuer
    if kind == "tls":
        assert option(command, "--url") == f"{page}/"
        assert page.rpartition(":")[2] in ports
    else:
        assert services["phone-web"]["ports"] == [f"127.0.0.1:{page.rpartition(':')[2]}:8070"]
    assert services["nginx"]["healthcheck"]["test"][-1] == f"{issuer}/readyz"
    assert option(services["phone-enrol"]["command"], "--issuer") == issuer


def test_each_waits_for_what_it_needs():
    """Certificates, keys, Redis, replicas, nginx, and then whoever uses them."""
    needs = {
        name: {on: each["condition"] for on, each in SERVICES[name]["depends_on"].items()}
        for name in ("keys", "ciba-1", "nginx", "phone", "playground")
    }
    done, healthy = "service_completed_successfully", "service_healthy"
    assert needs == {
        "keys": {"prepare": done},
        "ciba-1": {"redis": healthy, "keys": done},
        "nginx": {"ciba-1": healthy, "ciba-2": healthy, "phone-web": "service_started"},
        "phone": {"nginx": healthy, "phone-enrol": done},
        "playground": {"nginx": healthy},
    }
    assert "test" in SERVICES["redis"]["healthcheck"]
    assert "HEALTHCHECK" in DOCKERFILE


@each_service
def test_what_ends_is_started_again_unless_it_was_to_end(name: str):
    """All but what runs once."""
    once = {"prepare", "keys", "phone-enrol"}
    assert SERVICES[name]["restart"] == ("no" if name in once else "unless-stopped")


def test_nobody_is_killed_in_the_middle_of_something():
    """The service has time to drain and to answer, more than it takes."""
    assert (
        seconds(SERVICES["ciba-1"]["stop_grace_period"]) > 10 + SETTINGS["server"]["drain_seconds"]
    )
    assert SETTINGS["server"]["drain_seconds"] == TLS_SETTINGS["server"]["drain_seconds"]


@pytest.mark.parametrize("name", ["phone", "phone-enrol"])
def test_the_phone_keeps_its_state(name: str):
    """On the volume that its command names."""
    assert ["phone-data", option(command_of(name), "--state")] in mounts(SERVICES[name])


def test_the_phone_has_a_code():
    """The mounted configuration has the activation code that the phone uses."""
    codes = [user.get("activation_code") for user in SETTINGS["users"]]
    assert option(command_of("phone-enrol"), "--activation-code") in codes


def test_nothing_is_preset_behind_tls():
    """With an https issuer there are no codes in a file."""
    assert not [user for user in TLS_SETTINGS["users"] if "activation_code" in user]
    assert "second_secret" not in TLS_SETTINGS["device"]
    command = TLS["services"]["phone-enrol"]["command"]
    assert option(command, "--activation-code") == "${ACTIVATION_CODE:-none}"
    assert option(command, "--second-secret") == "${SECOND_SECRET:-none}"


def test_the_link_of_the_readme_brings_a_code_for_the_phone_of_browsers():
    """It is a code of the mounted configuration, and not the one that the other phone uses up."""
    link = re.search(
        r"docker compose up.*<(http://localhost:8070/)#([\w-]+)>", (ROOT / "README.md").read_text()
    )
    assert link is not None
    assert link[1] == SETTINGS["device"]["phone_url"]
    codes = {user["sub"]: user["activation_code"] for user in SETTINGS["users"]}
    assert link[2] == codes["bob"] != codes["alice-approves"]


def test_prometheus_asks_every_replica():
    """Where it publishes its figures, with the rules beside the configuration."""
    asked = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text("utf-8"))
    (job,) = asked["scrape_configs"]
    port = environment_of("ciba-1")["CIBA_METRICS__PORT"]
    assert job["static_configs"] == [{"targets": [f"{name}:{port}" for name in REPLICAS]}]
    inside = {target: source for source, target, _ in mounts(SERVICES["prometheus"])[:2]}
    (rules,) = asked["rule_files"]
    assert inside[f"/etc/prometheus/{rules}"] == "./deploy/prometheus-rules.yml"
    assert "--config.file=/etc/prometheus/prometheus.yml" in SERVICES["prometheus"]["command"]
    assert "watch" in SERVICES["prometheus"]["networks"]


def test_grafana_finds_prometheus_and_the_dashboard():
    """Its provisioning names the container and the folder that there are."""
    (source,) = yaml.safe_load((ROOT / "deploy/grafana/datasource.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((ROOT / "deploy/grafana/dashboards.yml").read_text())["providers"]
    targets = {source: target for source, target, *_ in mounts(SERVICES["grafana"])}
    folder = Path(targets["./deploy/grafana-dashboard.json"]).parent
    assert provider["options"]["path"] == str(folder)
