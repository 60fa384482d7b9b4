"""What the answers to all requests share."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn

from picturewise.serving.admission import Admission
from picturewise.serving.app import application
from picturewise.serving.metrics import Metrics
from picturewise.serving.models import Models
from picturewise.serving.server import _Server
from picturewise.serving.service import Service
from picturewise.serving.settings import Settings


@pytest.mark.parametrize(("requests", "alone"), [(0, True), (1, True), (2, False)])
def test_a_request_is_alone_if_the_server_answers_no_other(requests: int, alone: bool) -> None:
    settings = Settings()
    service = Service(settings, Models({}, Metrics()), Metrics(), Admission(settings))

    async def answered() -> None:
        server = _Server(uvicorn.Config(application(service)), service, lambda: None)
        server.server_state.tasks.update(asyncio.ensure_future(asyncio.sleep(0)) for _ in range(requests))
        assert service.alone == alone
        await asyncio.gather(*server.server_state.tasks)

    asyncio.run(answered())
