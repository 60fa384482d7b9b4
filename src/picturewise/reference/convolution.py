"""The convolution, as one product of matrices."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from picturewise.architectures.margins import Margins
from picturewise.reference.layer import Floats, Layer, Parameter, Training
from picturewise.reference.padding import crop, pad


class Convolution(Layer):
    """y[b, i, j, f] = Σ x[b, i·s + p, j·s + q, c] · K[f, c, p, q] + bias[f], the sum over p, q and c.

    x (B, H, W, C), K (F, C, P, Q), y (B, H', W', F) with stride s and H' = ⌊(H + margins - P) / s⌋ + 1.

    Each position of y depends on a window of x. With windows as rows ("im2col"), X (B·H'·W', P·Q·C), and kernels as
    rows, K (F, P·Q·C), it is a dense layer, y = X Kᵀ + bias, and with G = ∂L/∂y as (B·H'·W', F) so is the backward
    pass:

        ∂L/∂K = Gᵀ X     ∂L/∂bias = Σ G     ∂L/∂X = G K

    A pixel is in many windows, so ∂L/∂x is the sum of ∂L/∂X over them: each of the P·Q offsets of a pixel in its
    window is one addition of whole pictures. With groups, the channels and the filters are split evenly, and each group
    is such a dense layer of its own: all matrices get the groups as their first axis.

    Args:
        weight: K (F, C / groups, P, Q), PyTorch's order of axes, changed in place by the trainer. If its memory is in
            the order (F, P, Q, C), no step copies it.
        bias: (F,) or None.
        stride: s.
        margins: rows and columns of zeros around x.
        learns: whether the weight is trained, and so one of the parameters.
        groups: of channels.
    """

    def __init__(
        self,
        weight: Floats,
        bias: Floats | None,
        stride: int = 1,
        margins: Margins = Margins(),  # noqa: B008 (a constant)
        *,
        learns: bool = True,
        groups: int = 1,
    ) -> None:
        filters, channels, rows, columns = weight.shape
        self._groups = groups
        self._window, self._stride, self._learns = (rows, columns), stride, learns
        self._margins = margins
        # The gradient is computed as a matrix, and returned in the weight's order of axes.
        self._gradient = np.zeros((filters, rows * columns * channels), weight.dtype)
        seen = self._gradient.reshape(filters, rows, columns, channels).transpose(0, 3, 1, 2)
        self._weight = Parameter(weight, seen)
        self._bias = None if bias is None else Parameter(bias, np.zeros_like(bias))
        self._windows: Floats
        self._padded: tuple[int, ...]

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H', W', F) for (B, H, W, C)."""
        padded = pad(values, self._margins)
        # (B, H + margins, W + margins, G, C/G) → (B, H', W', G, C/G, P, Q), a view → (G, B, H', W', P, Q, C/G)
        by_group = padded.reshape(*padded.shape[:3], self._groups, -1)
        windows = sliding_window_view(by_group, self._window, axis=(1, 2))
        windows = windows[:, :: self._stride, :: self._stride].transpose(3, 0, 1, 2, 5, 6, 4)
        places = windows.shape[1:4]
        windows = windows.reshape(self._groups, -1, self._gradient.shape[1])  # here the windows are copied
        if training is not None:
            self._windows, self._padded = windows, padded.shape
        outputs = self._side_by_side(windows @ self._kernels.transpose(0, 2, 1))
        if self._bias is not None:
            outputs += self._bias.value
        return outputs.reshape(*places, -1)

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H', W', F)."""
        self.learn(gradient)
        batch, rows, columns, filters = gradient.shape
        by_window = self._by_group(gradient.reshape(-1, filters)) @ self._kernels
        by_window = by_window.reshape(self._groups, batch, rows, columns, *self._window, -1)
        padded = np.zeros(self._padded, gradient.dtype)
        for row, column in np.ndindex(*self._window):
            pixels = self._side_by_side(
                by_window[..., row, column, :].reshape(self._groups, batch * rows * columns, -1)
            )
            at_offset(padded, (row, column), (rows, columns), self._stride)[...] += pixels.reshape(
                batch, rows, columns, -1
            )
        return crop(padded, self._margins)

    def learn(self, gradient: Floats) -> None:
        """Fill ∂L/∂K and ∂L/∂bias."""
        flat = gradient.reshape(-1, gradient.shape[3])
        out = self._gradient.reshape(self._groups, -1, self._gradient.shape[1])  # a view
        np.matmul(self._by_group(flat).transpose(0, 2, 1), self._windows, out=out)
        del self._windows  # the largest array: it is not needed together with that of the next step
        if self._bias is not None:
            np.sum(flat, axis=0, out=self._bias.gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return the weight, if it is trained, and the bias, if there is one."""
        weight = {"weight": self._weight} if self._learns else {}
        return weight | ({} if self._bias is None else {"bias": self._bias})

    @property
    def _kernels(self) -> Floats:
        """The kernels as rows, (G, F/G, P·Q·C/G)."""
        rows = self._weight.value.transpose(0, 2, 3, 1)
        return rows.reshape(self._groups, -1, self._gradient.shape[1])

    def _by_group(self, rows: Floats) -> Floats:
        """Return (G, places, F/G) for (places, F)."""
        return rows.reshape(len(rows), self._groups, -1).transpose(1, 0, 2)

    def _side_by_side(self, grouped: Floats) -> Floats:
        """Return (places, F) for (G, places, F/G)."""
        return grouped.transpose(1, 0, 2).reshape(grouped.shape[1], -1)


def at_offset(pictures: Floats, offset: tuple[int, int], places: tuple[int, int], stride: int) -> Floats:
    """Return the view (B, H', W', C) of the pixel at one offset of each window.

    Args:
        pictures: (B, H, W, C), padding included.
        offset: row and column within the window.
        places: H' and W', the numbers of windows down and across.
        stride: from window to window.
    """
    (row, column), (down, across) = offset, places
    return pictures[:, row : row + stride * down : stride, column : column + stride * across : stride]
