"""POST /predict answers as the classifier does, and says in one sentence why it does not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from running_service import Running, deep_picture, form, picture, rows_of

from picturewise.logs import as_line

PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("name", ["colour", "grey"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_a_picture_gets_the_probabilities_that_the_classifier_gives(
    running: Running, name: str, kind: str
) -> None:
    content = picture(3, kind=kind)
    found = running.ask(
        "POST", f"/predict?model={name}", body=content, headers={"Content-Type": "image/" + kind.lower()}
    )
    assert found.status == 200
    (row,) = rows_of(running.classifier(name), content)
    (told,) = found.json["predictions"]
    assert list(told["probabilities"]) == ["cat", "dog", "ünï 猫"]
    np.testing.assert_allclose(list(told["probabilities"].values()), row, atol=1e-6)
    assert told["label"] == running.classifier(name).classes[row.argmax()]
    assert told["probability"] == pytest.approx(row.max())
    assert found.json["version"] == running.classifier(name).weights_sha256[:12]


def test_a_picture_that_lies_on_its_side_is_turned(running: Running) -> None:
    image, content = Image.open(io.BytesIO(picture(4))), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(content, "JPEG", exif=exif)
    found = running.ask(
        "POST", "/predict?model=colour", body=content.getvalue(), headers={"Content-Type": "image/jpeg"}
    )
    (row,) = rows_of(running.classifier(), content.getvalue())
    np.testing.assert_allclose(list(found.json["predictions"][0]["probabilities"].values()), row, atol=1e-6)


def deep(low: int, high: int) -> bytes:
    content = io.BytesIO()
    numbers = np.random.default_rng(5).integers(low, high, (12, 9), dtype=np.uint16, endpoint=True)
    Image.fromarray(numbers).save(content, "PNG")
    return content.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["colour", "grey"])
def test_grey_pictures_of_16_bits_are_read_as_predict_reads_them(running: Running, name: str) -> None:
    contents = [picture(1), deep(0, 40_000)]
    headers, body = form(*contents)
    found = running.ask("POST", f"/predict?model={name}", body=body, headers=headers)
    assert found.status == 200
    rows = rows_of(running.classifier(name), *contents)
    for told, row in zip(found.json["predictions"], rows, strict=True):
        np.testing.assert_allclose(list(told["probabilities"].values()), row, atol=1e-6)


@pytest.mark.slow
def test_grey_pictures_of_16_bits_are_refused_where_white_is_not_known(running: Running) -> None:
    found = running.ask("POST", "/predict?model=grey", body=deep(0, 900), headers=PNG)
    assert (found.status, found.code) == (422, "picture_unusable")
    assert "black and white are not known" in found.json["error"]["message"]


def test_a_form_gets_an_answer_for_each_picture_in_their_order(running: Running) -> None:
    contents = [picture(seed) for seed in range(4)]
    headers, body = form(*contents)
    found = running.ask("POST", "/predict?model=colour&top=2", body=body, headers=headers)
    assert found.status == 200
    rows = rows_of(running.classifier(), *contents)
    for told, row in zip(found.json["predictions"], rows, strict=True):
        best = np.argsort(-row)[:2]
        assert list(told["probabilities"]) == [running.classifier().classes[place] for place in best]


def test_requests_at_the_same_time_get_their_own_answers(running: Running) -> None:
    contents = [picture(seed) for seed in range(8)]

    async def all_at_once() -> list[float]:
        asking = (running.asking("POST", "/predict?model=colour", body=one, headers=PNG) for one in contents)
        return [one.json["predictions"][0]["probability"] for one in await asyncio.gather(*asking)]

    np.testing.assert_allclose(
        running.run(all_at_once()), rows_of(running.classifier(), *contents).max(axis=1), atol=1e-6
    )


def huge() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code", "said"),
    [
        ("?model=colour", PNG, b"", 400, "empty_body", "The body is empty"),
        ("?model=colour", {"Content-Type": "text/plain"}, b"x", 415, "unsupported_media_type", "'text/plain'"),
        ("?model=colour", PNG, b"just some text", 415, "unsupported_media_type", "it is text"),
        ("?model=colour", PNG, picture()[:150], 422, "picture_unusable", "damaged or truncated"),
        ("?model=colour", PNG, huge(), 413, "too_large", "more than 100,000,000 pixels"),
        ("?model=colour", PNG, deep_picture(), 422, "picture_unusable", "started with --value-range LOW..HIGH"),
        ("?model=colour", PNG, bytes(200_001), 413, "too_large", "At most 200,000 bytes"),
        ("?model=colour", PNG | {"Content-Encoding": "gzip"}, b"x", 415, "unsupported_media_type", "Compressed"),
        ("?model=bird", PNG, picture(), 404, "model_not_found", "Choose from colour, grey"),
        ("", PNG, picture(), 400, "bad_request", "several models (colour, grey)"),
        ("?model=colour&top=0", PNG, picture(), 400, "bad_request", "top is '0'"),
        ("?model=colour&top=x", PNG, picture(), 400, "bad_request", "top is 'x'"),
        ("?model=colour&best=3", PNG, picture(), 400, "bad_request", "Unknown parameter 'best'"),
        ("?model=colour", *form(*[picture()] * 5), 413, "too_large", "more than 4 parts"),
        ("?model=colour", *form(picture(), b"text"), 415, "unsupported_media_type", "Picture 2: "),
        ("?model=colour", *form(), 400, "empty_body", "does not contain a picture"),
        ("?model=colour", {"Content-Type": "multipart/form-data"}, b"x", 400, "bad_request", "valid boundary"),
        ("?model=colour", form()[0], b"--mark\r\n\r\nx", 400, "bad_request", "last boundary"),
        ("?model=colour", form()[0], b"--mark\r\nx\r\n--mark--", 400, "bad_request", "headers"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    running: Running, path: str, headers: dict[str, str], body: bytes, status: int, code: str, said: str
) -> None:
    found = running.ask("POST", "/predict" + path, body=body, headers=headers)
    assert (found.status, found.code) == (status, code)
    assert said in found.json["error"]["message"]
    assert running.service.admission.pictures == running.service.admission.held == 0


def test_a_body_without_a_length_is_bounded_too(running: Running) -> None:
    async def endless() -> dict[str, object]:
        return {"type": "http.request", "body": bytes(50_000), "more_body": True}

    found = running.ask(
        "POST", "/predict?model=colour", headers=PNG | {"Content-Length": ""}, receive=endless
    )
    assert (found.status, found.code) == (413, "too_large")


def test_a_full_queue_refuses_and_says_when_to_try_again(running: Running) -> None:
    narrow = running.with_settings(queue=2)
    headers, body = form(*[picture()] * 3)
    found = narrow.ask("POST", "/predict?model=colour", body=body, headers=headers)
    assert (found.status, found.code, found.headers["retry-after"]) == (503, "busy", "1")
    assert narrow.service.admission.pictures == 0
    assert narrow.ask("POST", "/predict?model=colour", body=picture(), headers=PNG).status == 200


def test_a_body_that_does_not_arrive_ends_by_the_clock(running: Running) -> None:
    async def never() -> None:
        await asyncio.sleep(60)

    hasty = running.with_settings(timeout=0.05)
    found = hasty.ask("POST", "/predict?model=colour", headers=PNG, receive=never)
    assert (found.status, found.code) == (408, "request_timeout")
    assert hasty.service.admission.pictures == 0


def test_a_child_that_is_killed_is_replaced_and_its_picture_is_answered(running: Running) -> None:
    pool = running.service.models.find("colour").decoder.pool
    for process in pool.process_ids:
        os.kill(process, signal.SIGKILL)
    assert running.ask("POST", "/predict?model=colour", body=picture(), headers=PNG).status == 200


def test_nothing_of_a_picture_is_in_the_log(running: Running) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.format = as_line  # type: ignore[method-assign]
    logger = logging.getLogger("picturewise")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    content = b"SECRET-PICTURE" * 10
    running.ask("POST", "/predict?model=colour", body=content, headers=PNG | {"X-Request-ID": "my-id.1"})
    logger.removeHandler(handler)
    told = json.loads(lines.getvalue())
    assert told.pop("time").endswith("Z")
    assert told.pop("ms") > 0
    assert told == {
        "level": "info", "event": "request", "request_id": "my-id.1", "method": "POST", "path": "/predict",
        "status": 415, "model": "colour", "pictures": 1, "bytes": len(content),
    }  # fmt: skip


@pytest.mark.parametrize(("others", "alone"), [(0, True), (1, True), (2, False)])
def test_the_loop_waits_for_a_picture_only_if_no_other_request_is_being_answered(
    running: Running, monkeypatch: pytest.MonkeyPatch, others: int, alone: bool
) -> None:
    decoder, noted = running.service.models.find("colour").decoder, list[bool]()
    decode = decoder.decode

    async def noting(content: bytes, *, alone: bool = False) -> NDArray[np.uint8]:
        noted.append(alone)
        return await decode(content, alone=alone)

    async def ask() -> int:
        tasks = {
            asyncio.ensure_future(asyncio.sleep(60)) for _ in range(others)
        }  # the server counts the request itself
        monkeypatch.setattr(running.service, "answering", tasks)
        try:
            return (await running.asking("POST", "/predict?model=colour", body=picture(), headers=PNG)).status
        finally:
            for task in tasks:
                task.cancel()

    monkeypatch.setattr(decoder, "decode", noting)
    assert running.run(ask()) == 200
    assert noted == [alone]
