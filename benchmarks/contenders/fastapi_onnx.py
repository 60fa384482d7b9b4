"""The service that one would write with FastAPI and ONNX Runtime: one session, whose runs take place in a thread.

python benchmarks/contenders/fastapi_onnx.py MODEL.onnx HEIGHT WIDTH CHANNELS CLASSES PORT

The model takes pictures (N, H, W, C) uint8 and returns logits, as Picturewise's own session does. The picture is the
body of the request, which is cheaper than a form. FastAPI and uvicorn run as `fastapi[standard]` installs them.
"""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image, UnidentifiedImageError

model, height, width, channels, classes, port = sys.argv[1:]
names = json.loads(classes)
mode, size = "L" if channels == "1" else "RGB", (int(width), int(height))
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
source = session.get_inputs()[0].name
app = FastAPI()


def compute(body: bytes) -> dict[str, object]:
    try:
        picture = Image.open(io.BytesIO(body)).convert(mode).resize(size)
    except UnidentifiedImageError as error:
        raise HTTPException(415, "not a picture") from error
    pixels = np.asarray(picture, np.uint8).reshape(1, int(height), int(width), int(channels))
    logits = session.run(None, {source: pixels})[0][0]
    powers = np.exp(logits - logits.max())
    shares = powers / powers.sum()
    best = int(shares.argmax())
    return {
        "label": names[best],
        "probability": float(shares[best]),
        "probabilities": dict(zip(names, shares.tolist(), strict=True)),
    }


@app.post("/predict")
async def predict(request: Request) -> dict[str, object]:
    return await run_in_threadpool(compute, await request.body())


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ready": True}


uvicorn.run(app, port=int(port), log_level="warning", access_log=False)
