"""/openapi.json describes every route and every status that a route answers with."""

from __future__ import annotations

import re
from pathlib import Path

from running_service import Running, form, picture

from picturewise.serving import app as app_module
from picturewise.serving.refusals import CODES


def test_every_route_is_described(running: Running) -> None:
    described = running.with_settings(page=b"x").ask("GET", "/openapi.json").json["paths"]
    source = Path(app_module.__file__).read_text(encoding="utf-8")
    routes = set(
        re.findall(r'\("(GET|POST)", (_MODEL \+ |_VERSION \+ )?(?:"([^"]*)"|(_MODEL|_VERSION))', source)
    )
    found = set()
    for method, start, end, alone in routes:
        base = {"_MODEL": "/v2/models/{name}", "_VERSION": "/v2/models/{name}/versions/{version}"}
        found.add((method.lower(), base.get((start or alone).removesuffix(" + "), "") + end))
    assert len(found) == 14
    assert found == {(method, path) for path, methods in described.items() for method in methods}


def test_the_page_is_described_where_there_is_one_and_needs_no_token(running: Running) -> None:
    right = {"Authorization": "Bearer t"}
    assert "/" not in running.ask("GET", "/openapi.json").json["paths"]
    with_page = running.with_settings(page=b"x", token="t").ask("GET", "/openapi.json", headers=right)
    described = with_page.json["paths"]["/"]["get"]
    assert described["security"] == []
    assert "401" not in described["responses"]
    assert list(described["responses"]["200"]["content"]) == ["text/html"]


def test_every_answer_has_a_status_that_is_described(running: Running) -> None:
    service = running.with_settings(token="t", timeout=20.0)
    described = service.ask("GET", "/openapi.json", headers={"Authorization": "Bearer t"}).json["paths"]
    right = {"Authorization": "Bearer t"}
    headers, body = form(picture(), b"text")
    for given in (
        {"headers": right | headers, "body": body},
        {"headers": right, "body": b""},
        {"headers": right, "body": b"x"},
        {"headers": right | {"Content-Type": "a/b"}, "body": b"x"},
        {"headers": right | {"Host": "x"}},
        {"headers": right | {"Origin": "http://x"}},
        {"headers": {}},
        {"headers": right, "body": bytes(200_001)},
    ):
        for path in ("/predict", "/v2/models/{name}/infer"):
            real = path.replace("{name}", "colour") + ("?model=colour" if path == "/predict" else "")
            found = service.ask("POST", real, **given)  # type: ignore[arg-type]
            assert str(found.status) in described[path]["post"]["responses"]


def test_every_code_is_described_somewhere(running: Running) -> None:
    told = running.with_settings(token="t").ask("GET", "/openapi.json", headers={"Authorization": "Bearer t"})
    for code in CODES:
        assert code in told.body.decode()


def test_every_reference_leads_somewhere(running: Running) -> None:
    described = running.ask("GET", "/openapi.json")
    for name in set(re.findall(r"#/components/schemas/(\w+)", described.body.decode())):
        assert name in described.json["components"]["schemas"]
