"""Requests made at random from our own description of the interface, against `kg serve`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kg.web.app import POSTS, ROUTES
from kg.web.protocol import PROBLEMS

HOOKS = """
import schemathesis

schemathesis.serializer.alias("application/sparql-query", "text/plain")
"""
CONFIG = """
warnings = false

# 504 is what a deadline of next to nothing leads to, and no fault of the server's.
[[operations]]
include-path = "/sparql"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "504"]
"""
# Addresses that nothing random leads to.
THERE = """
[[operations]]
include-path = "/id/{kind}/{key}"
parameters = { "path.kind" = "agent", "path.key" = "kim-jong-un" }

[[operations]]
include-path = "/doc/{kind}/{name}"
parameters = { "path.kind" = "agent", "path.name" = "kim-jong-un" }

[[operations]]
include-path = "/questions/{name}"
parameters = { "path.name" = "evidence-for-russian-support-of-resolutions" }

[[operations]]
include-path = "/download/{release}/{path}"
parameters = { "path.release" = "current", "path.path" = "graph.nq.gz" }
"""
# A schema cannot say which strings are SPARQL, and which graphs there are: so what it allows may
# still be refused, and that check alone is left out.
LEFT_OUT = "positive_data_acceptance"


@pytest.fixture(scope="module")
def site(serve: Callable[..., Any], built: Path) -> Any:
    return serve(built, workers=2, query_timeout_s=10)


@pytest.fixture(scope="module")
def description(site: Any) -> dict[str, Any]:
    found = site.client.get("/openapi.json")
    assert found.status_code == 200
    return found.json()


def fuzz(site: Any, folder: Path, config: str, examples: int, *paths: str) -> str:
    """Return what schemathesis says of requests that it makes up."""
    (folder / "hooks.py").write_text(HOOKS)
    (folder / "schemathesis.toml").write_text(config)
    included = [word for path in paths for word in ("--include-path", path)]
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--no-color", "run"),
            *(f"{site.url}/openapi.json", "--checks", "all", "--exclude-checks", LEFT_OUT),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
            *("--seed", "20231018", "--generation-database", "none"),
            *("--max-redirects", "0", "--request-timeout", "20", "--continue-on-failure"),
            *included,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "SCHEMATHESIS_HOOKS": "hooks"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_request_leads_to_an_error_of_the_server(
    site: Any, description: dict[str, Any], tmp_path: Path
) -> None:
    pid = site.pid
    said = fuzz(site, tmp_path, CONFIG, 8)
    operations = sum(len(methods) for methods in description["paths"].values())
    assert f"{operations} selected / {operations} total" in said
    assert (site.running, site.pid) == (True, pid)
    assert "Traceback" not in site.log.read_text()
    assert site.values("SELECT (1 AS ?one) {}") == ["1"]


def test_what_is_there_is_as_described(site: Any, tmp_path: Path) -> None:
    paths = [line.split('"')[1] for line in THERE.splitlines() if line.startswith("include-path")]
    fuzz(site, tmp_path, CONFIG + THERE, 5, *paths)


def test_every_address_is_described(description: dict[str, Any]) -> None:
    paths = {path.replace(":path}", "}") for path, _, words in (*ROUTES, *POSTS) if words}
    assert description["paths"].keys() == paths | {"/sparql", "/graphs"}
    names = [one["operationId"] for path in description["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))


def test_every_error_of_the_endpoint_is_described(description: dict[str, Any]) -> None:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    statuses = {str(status) for status, _ in PROBLEMS.values()} - {"404", "405", "416"}
    for method, more in (("get", {"200", "304"}), ("post", {"200"})):
        responses = description["paths"]["/sparql"][method]["responses"]
        assert responses.keys() - {"415"} == (statuses | more) - {"415"}
        assert ("415" in responses) == (method == "post")
        for status, response in responses.items():
            if int(status) >= 400:
                assert response["content"]["application/problem+json"] == problem
            if status in ("429", "503"):
                assert "Retry-After" in response["headers"]


def test_the_schemas_are_schemas(site: Any, description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    answer = site.get("SELECT * { ?s ?p }")
    Draft202012Validator(schemas["Problem"]).validate(answer.json())
    for query in ("SELECT * { ?s ?p ?o } LIMIT 3", "ASK {}"):
        Draft202012Validator(schemas["Results"]).validate(site.get(query).json())
