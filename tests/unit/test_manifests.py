"""``packaging/cluster``: what containers are told is what wabox and Kubernetes know. Nothing is run here.

Kubernetes' own JSON schemas come with kubernetes-validate (Apache-2.0). For compose no package of PyPI that is kept up carries
the schema, so of that file only what is asserted here is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click import Context, Group
from typer.main import get_command

from wabox.cli.main import app
from wabox.clusterapp import GRACE
from wabox.core.capacity import plan
from wabox.settings.keys import KEYS

FOLDER = Path(__file__).parents[2] / "packaging/cluster"
KUBERNETES = "1.34"
DRAIN = 2 * GRACE + 2
"""s: lanes, then what is being sent, then the requests."""
MANIFESTS = [
    manifest
    for file in sorted((FOLDER / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
PORTS = {key.name: key.default for key in KEYS if key.section == "server"}
VARIABLES = {key.variable for key in KEYS}
CREDENTIALS = {key.variable.removeprefix("WABOX_").lower() for key in KEYS if key.kind in ("secret", "address")}


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one["spec"] for one in MANIFESTS if one["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, spec in named(kind).items():
            yield name, spec["template"]["spec"]


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods():
        for one in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{name}/{one['name']}", one


def must_be_a_command(args: list[str]) -> None:
    command = get_command(app)
    words = list(args)
    while isinstance(command, Group):
        found = command.get_command(Context(command), words.pop(0))
        assert found is not None, args
        command = found
    command.make_context("wabox", words)  # raises for what it does not know


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_knows_every_field(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_schema_refuses_what_is_wrong() -> None:
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_every_container_is_locked_up_and_bounded() -> None:
    for name, one in containers():
        locked = one["securityContext"]
        assert locked["readOnlyRootFilesystem"], name
        assert not locked["allowPrivilegeEscalation"], name
        assert locked["capabilities"] == {"drop": ["ALL"]}, name
        assert one["resources"]["requests"].keys() == {"cpu", "memory"}, name
        assert "memory" in one["resources"]["limits"], name
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] > 0, name
        mounted = {
            mount["name"]
            for one in [*pod.get("initContainers", []), *pod["containers"]]
            for mount in one.get("volumeMounts", [])
        }
        assert mounted <= {volume["name"] for volume in pod.get("volumes", [])} | {"data"}, name
    for name, service in COMPOSE["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert not service["user"].startswith(("0", "root")), name


def test_no_image_is_whatever_is_newest() -> None:
    images = {one["image"] for _, one in containers()} | {service["image"] for service in COMPOSE["services"].values()}
    images.add(
        next(line.split()[1] for line in (FOLDER / "Containerfile").read_text().splitlines() if line.startswith("FROM"))
    )
    for image in images - {COMPOSE["x-wabox"]["image"]}:
        assert image.rpartition("/")[2].partition(":")[2] not in ("", "latest"), image


def test_wabox_is_told_what_it_knows() -> None:
    for name, one in containers():
        if "args" in one:
            must_be_a_command(one["args"])
            variables = {entry["name"] for entry in one["env"]}
            assert variables <= VARIABLES | {"CREDENTIALS_DIRECTORY"}, name
    told = [service for service in COMPOSE["services"].values() if service["image"] == COMPOSE["x-wabox"]["image"]]
    assert len(told) == 5
    for service in told:
        must_be_a_command(service["command"])
        assert set(service["environment"]) <= VARIABLES | {"CREDENTIALS_DIRECTORY"}
        assert set(service["secrets"]) <= CREDENTIALS & set(COMPOSE["secrets"])


def test_the_manual_names_every_secret() -> None:
    manual = (FOLDER.parents[1] / "wabox/manual/cluster.md").read_text(encoding="utf-8")
    section = manual.partition("## In containers")[2].partition("\n## ")[0]
    for name in {*COMPOSE["secrets"], "metrics_token", "erlang_cookie"}:
        assert f"--from-file={name}" in section, name


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_role_is_probed_where_it_listens_and_has_time_to_finish(role: str) -> None:
    spec = named("Deployment")[f"wabox-{role}"]
    pod = spec["template"]["spec"]
    (one,) = pod["containers"]
    assert one["args"] == ["serve", "--role", role]
    assert one["ports"] == [{"name": "http", "containerPort": PORTS["port"]}]
    assert one["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    waits = int(one["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > 2 * (waits + DRAIN)
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert named("PodDisruptionBudget")[f"wabox-{role}"]["selector"] == spec["selector"]
    assert named("PodDisruptionBudget")[f"wabox-{role}"]["minAvailable"] < spec["replicas"]
    assert pod["affinity"]["podAntiAffinity"]


def test_the_size_is_that_of_the_plan() -> None:
    wanted, deployments, sets = plan(1_000_000), named("Deployment"), named("StatefulSet")

    def cores(spec: dict[str, Any]) -> float:
        cpu = str(spec["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])
        return float(cpu.removesuffix("m")) / (1000 if cpu.endswith("m") else 1)

    assert deployments["wabox-web"]["replicas"] * cores(deployments["wabox-web"]) >= wanted.web
    assert (deployments["wabox-worker"]["replicas"], cores(deployments["wabox-worker"])) == (wanted.workers, 1)
    assert (sets["rabbitmq"]["replicas"], cores(sets["rabbitmq"])) == (3, wanted.broker)
    assert sets["redis"]["replicas"] == 2 * wanted.shards
    start = next(one for one in MANIFESTS if one["kind"] == "ConfigMap")["data"]["start.sh"]
    megabytes = int(start.partition("--maxmemory ")[2].partition("mb")[0])
    assert megabytes * 1e6 * wanted.shards > 1.2 * wanted.redis


@pytest.mark.parametrize("name", ["rabbitmq", "redis", "postgres"])
def test_an_engine_is_found_and_not_taken_away_at_once(name: str) -> None:
    spec, service = named("StatefulSet")[name], named("Service")[name]
    assert spec["serviceName"] == name
    assert (
        service["selector"]
        == spec["selector"]["matchLabels"]
        == named("PodDisruptionBudget")[name]["selector"]["matchLabels"]
    )
    ports = {port["containerPort"] for port in spec["template"]["spec"]["containers"][0]["ports"]}
    assert {port["port"] for port in service["ports"]} == ports
    if spec["replicas"] > 1:
        assert (
            "requiredDuringSchedulingIgnoredDuringExecution" in spec["template"]["spec"]["affinity"]["podAntiAffinity"]
        )


def test_what_runs_more_than_once_is_spread_over_machines_and_zones() -> None:
    """A zone that is lost takes some of it, not all."""
    several = [
        (name, spec)
        for kind in ("Deployment", "StatefulSet")
        for name, spec in named(kind).items()
        if spec["replicas"] > 1
    ]
    assert several
    for name, spec in several:
        pod = spec["template"]["spec"]
        (zones,) = pod["topologySpreadConstraints"]
        assert zones["topologyKey"] == "topology.kubernetes.io/zone", name
        assert zones["labelSelector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items(), name
        assert "podAntiAffinity" in pod["affinity"], name
