"""Who may ask: hosts, origins, tokens; and what every answer carries."""

from __future__ import annotations

import pytest
from running_service import Running, picture
from starlette.types import Message

from picturewise.serving.facts import headers_in

LIVE = "/v2/health/live"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "one.example:80"]
)
def test_hosts_that_are_allowed(running: Running, host: str) -> None:
    service = running.with_settings(allowed_hosts=("one.example",))
    assert service.ask("GET", LIVE, headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "a@localhost", "localhost:x", "", "[::1", "::1"]
)
def test_other_hosts_are_refused(running: Running, host: str) -> None:
    found = running.ask("GET", "/metrics", headers={"Host": host})
    assert (found.status, found.code) == (403, "host_not_allowed")


def test_a_page_of_another_site_may_not_ask_unless_it_is_allowed(running: Running) -> None:
    there = {"Origin": "https://site.example"}
    found = running.ask("GET", "/metrics", headers=there)
    assert (found.status, found.code) == (403, "origin_not_allowed")
    assert running.ask("GET", "/metrics", headers={"Origin": "http://localhost:8000"}).status == 200
    assert running.ask("GET", "/metrics", headers={"Origin": "null"}).status == 403
    allowing = running.with_settings(origins=("https://site.example",))
    assert (
        allowing.ask("GET", "/metrics", headers=there).headers["access-control-allow-origin"]
        == there["Origin"]
    )
    assert allowing.ask("GET", "/metrics", headers={"Origin": "https://other.example"}).status == 403
    assert "access-control-allow-origin" not in allowing.ask("GET", "/metrics").headers
    asked = there | {"Access-Control-Request-Method": "POST"}
    before = allowing.with_settings(token="x").ask("OPTIONS", "/predict", headers=asked)
    assert before.status == 204
    assert "Authorization" in before.headers["access-control-allow-headers"]


def test_a_token_is_asked_for_everywhere_but_for_health_and_the_page(running: Running) -> None:
    secured = running.with_settings(token="s3cret")
    for path in ("/metrics", "/openapi.json", "/v2", "/v2/models", "/v2/models/colour"):
        for header in ("", "Bearer wrong", "Basic s3cret", "Bearer s3cret2", "Bearer \xe9"):
            found = secured.ask("GET", path, headers={"Authorization": header})
            assert (found.status, found.headers["www-authenticate"]) == (401, "Bearer")
    assert secured.ask("GET", LIVE).status == 200
    assert secured.ask("GET", "/").status == 404
    assert secured.with_settings(page=b"page").ask("GET", "/").body == b"page"
    assert secured.with_settings(page=b"page").ask("GET", "//").status == 401
    assert secured.ask("GET", "/metrics", headers={"Authorization": "bearer s3cret"}).status == 200


def test_every_answer_has_an_id(running: Running) -> None:
    assert (
        running.ask("GET", LIVE, headers={"X-Request-ID": "Aa-1.2_3"}).headers["x-request-id"] == "Aa-1.2_3"
    )
    for strange in ("", "a b", "x" * 65, "a\r\nb", "é"):
        made = running.ask("GET", "/nothing", headers={"X-Request-ID": strange}).headers["x-request-id"]
        assert len(made) == 16


def test_unknown_paths_and_methods_are_told_as_json(running: Running) -> None:
    found = running.ask("GET", "/etc/passwd")
    assert (found.status, found.code) == (404, "not_found")
    found = running.ask("DELETE", "/predict")
    assert (found.status, found.code, found.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert running.ask("GET", "/").code == "not_found"


def test_the_page_is_the_one_that_was_passed(running: Running) -> None:
    found = running.with_settings(page=b"<!doctype html>").ask("GET", "/")
    assert (found.status, found.body) == (200, b"<!doctype html>")
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"] == "no-store"


def test_a_mistake_of_ours_is_told_as_one(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picturewise.serving.metrics.Metrics.text", lambda *_: 1 / 0)
    found = running.ask("GET", "/metrics")
    assert (found.status, found.code) == (500, "internal_error")


def test_what_happens_is_counted(running: Running) -> None:
    service = running.with_settings()
    service.ask("POST", "/predict?model=colour", body=picture(), headers={"Content-Type": "image/png"})
    service.ask("POST", "/predict?model=bird", body=picture(), headers={"Content-Type": "image/png"})
    lines = service.ask("GET", "/metrics").body.decode().splitlines()
    assert 'picturewise_requests_total{route="/predict",model="colour",status="200"} 1' in lines
    assert 'picturewise_requests_total{route="/predict",model="",status="404"} 1' in lines
    assert 'picturewise_pictures_total{model="colour",outcome="predicted"} 1' in lines
    assert 'picturewise_request_seconds_count{route="/predict"} 2' in lines
    assert "picturewise_queue_pictures 0" in lines
    for line in lines:
        name, _, value = line.rpartition(" ")
        assert line.startswith("# ") or (name and float(value) >= 0)


def test_of_several_headers_with_a_name_the_first_counts_and_a_second_host_is_refused(
    running: Running,
) -> None:
    assert headers_in({"headers": [(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]}) == {"a": "1", "b": "é"}
    statuses = list[int]()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    for hosts in (["localhost"], ["localhost", "localhost"], ["localhost", "evil.example"], []):
        headers = [(b"host", host.encode()) for host in hosts]
        scope = {"type": "http", "method": "GET", "path": LIVE, "query_string": b"", "headers": headers}
        running.run(running.app(scope, receive, send))
    assert statuses == [200, 403, 403, 403]
