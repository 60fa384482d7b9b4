"""Layer lines become an ONNX model here, which ONNX Runtime computes on a processor; PyTorch is not needed.

messages      the wire format of protocol buffers, of which an ONNX file is made
graph         nodes and arrays → the bytes of a model
operators     single layers → nodes; `residual`: the blocks; `layers`: all lines
model         the whole: uint8 pictures in, logits out
session       a model, loaded into ONNX Runtime
"""
