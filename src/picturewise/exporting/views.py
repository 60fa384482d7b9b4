"""Views of a picture inside an ONNX graph, as `preparing.views` makes them."""

from __future__ import annotations

import numpy as np

from picturewise.onnx_models.graph import Graph
from picturewise.preparing.views import Views

_FROM_THE_END = np.iinfo(np.int64).min


def with_views(graph: Graph, pictures: str, views: Views, size: tuple[int, int]) -> str:
    """Add (N, C, H, W) uint8 → (V·N, C, H, W): all pictures of the first view, then of the second, and so on.

    Args:
        graph: takes the nodes.
        pictures: name of the pictures.
        views: those that are used.
        size: H and W.
    """
    if not views.lines:
        return pictures
    found = list[str]()
    for moved in _moved(graph, pictures, views.shift, size):
        found.append(moved)
        if views.mirror:
            found.append(_mirrored(graph, moved))
    return graph.node("Concat", *found, axis=0)


def averaged(graph: Graph, logits: str, views: Views, outputs: int) -> str:
    """Add the mean over the views, weighted by their shares: (V·N, outputs) → (N, outputs)."""
    if not views.lines:
        return logits
    probe = np.zeros((1, 1, 1, 1), np.uint8)
    shares = np.array([share for share, _ in views.each(probe)], np.float32)
    form = graph.constant("by_view", np.array([len(shares), -1, outputs], np.int64))
    weighted = graph.node(
        "Mul",
        graph.node("Reshape", logits, form),
        graph.constant("view_shares", shares.reshape(-1, 1, 1)),
    )
    return graph.node("ReduceSum", weighted, graph.constant("view_axis", np.array([0], np.int64)), keepdims=0)


def _moved(graph: Graph, pictures: str, shift: int, size: tuple[int, int]) -> list[str]:
    if not shift:
        return [pictures]
    margins = graph.constant("view_margins", np.array([0, 0, shift, shift] * 2, np.int64))
    padded = graph.node("Pad", pictures, margins, mode="edge")
    axes = graph.constant("view_axes", np.array([2, 3], np.int64))
    found = [pictures]
    for start in (2 * shift, 0):  # up and left, then down and right
        starts = graph.constant(f"view_starts_{start}", np.array([start, start], np.int64))
        ends = graph.constant(f"view_ends_{start}", np.array([start + side for side in size], np.int64))
        found.append(graph.node("Slice", padded, starts, ends, axes))
    return found


def _mirrored(graph: Graph, pictures: str) -> str:
    names = ("mirror_start", "mirror_end", "mirror_axis", "mirror_step")
    values = (-1, _FROM_THE_END, 3, -1)
    given = [
        graph.constant(name, np.array([value], np.int64)) for name, value in zip(names, values, strict=True)
    ]
    return graph.node("Slice", pictures, *given)
