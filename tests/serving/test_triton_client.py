"""The best-known client of the Open Inference Protocol works with the service as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from running_service import make_classifier, picture
from served_process import served

from picturewise import load_classifier

client = pytest.importorskip("tritonclient.http")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_tritonclient_gets_the_classifiers_answers(tmp_path: Path) -> None:
    file = make_classifier(tmp_path / "pets.safetensors")
    classifier = load_classifier(file)
    contents = [picture(1), picture(2, kind="JPEG")]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    with served(tmp_path, file) as service:
        triton = client.InferenceServerClient(f"127.0.0.1:{service.port}")
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert triton.is_model_ready("pets")
        assert not triton.is_model_ready("birds")
        assert triton.get_server_metadata()["name"] == "picturewise"
        version = triton.get_model_metadata("pets")["versions"][0]
        for binary in (True, False):
            images = client.InferInput("images", [*pixels.shape], "UINT8")
            images.set_data_from_numpy(pixels, binary_data=binary)
            for outputs in (None, [client.InferRequestedOutput("probabilities", binary_data=binary)]):
                found = triton.infer("pets", [images], model_version=version, outputs=outputs)
                np.testing.assert_allclose(
                    found.as_numpy("probabilities"), classifier.predict_proba(pixels), atol=1e-6
                )
        encoded = client.InferInput("encoded", [2], "BYTES")
        encoded.set_data_from_numpy(np.array(contents, dtype=object))
        found = triton.infer("pets", [encoded], request_id="mine")
        assert found.get_response()["id"] == "mine"
        assert [name.decode() for name in found.as_numpy("label")] == classifier.predict(contents)
        with pytest.raises(Exception, match="shape must be a list of positive integers"):
            triton.infer("pets", [client.InferInput("images", [0, 2, 2, 1], "UINT8")])
        triton.close()
