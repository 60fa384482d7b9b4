"""From layer lines to an ONNX model, which ONNX Runtime computes on a processor; PyTorch is not needed.

messages      the wire format of protocol buffers, the format of ONNX files
graph         nodes and arrays → the bytes of a model
operators     single layers → nodes; `residual`: the blocks; `layers`: all lines
model         the whole model: uint8 pictures in, logits out
session       a model, loaded into ONNX Runtime
"""
