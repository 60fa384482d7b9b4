from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.internal.decoder import _DecodeVarint  # another's reading of the same format

from picturewise.onnx_models.messages import Message, varint


@pytest.mark.parametrize(
    ("number", "content"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (150, "9601"), (300, "ac02"), (2**32, "8080808010")],
)
def test_varints_are_those_of_the_specification(number: int, content: str) -> None:
    assert varint(number).hex() == content


@pytest.mark.parametrize("bits", range(0, 63, 7))
def test_varints_are_read_back_by_googles_own_reader(bits: int) -> None:
    for number in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1):
        content = varint(number)
        assert _DecodeVarint(content, 0) == (number, len(content))


def test_fields_are_in_order_with_their_number_and_kind() -> None:
    inner, message = Message(), Message()
    inner.whole(1, 150)
    message.message(3, inner)
    message.text(2, "testing – ü")
    message.decimal(16, 1.5)
    message.data(4, np.arange(3, dtype="<i2").data)
    message.message(5, Message())
    inner.whole(1, 7)  # too late to get in
    assert message.to_bytes() == (
        bytes.fromhex("1a03089601")
        + b"\x12\x0e"
        + "testing – ü".encode()
        + bytes.fromhex("8501 0000c03f")
        + bytes.fromhex("2206 000001000200")
        + bytes.fromhex("2a00")
    )


def test_a_large_array_is_not_copied_before_the_end() -> None:
    array = np.zeros(4, np.float32)
    message, outer = Message(), Message()
    message.data(1, array.data)
    outer.message(2, message)
    array[:] = 1
    assert outer.to_bytes() == b"\x12\x12\x0a\x10" + array.tobytes()
