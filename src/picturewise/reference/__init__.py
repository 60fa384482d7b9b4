"""The same layer lines in plain NumPy, with backpropagation written by hand: to read, and to check PyTorch.

    layer         the interface of every layer; `chain`: layers one after the other, which is the chain rule
    dense, convolution, padding, maxpool, avgpool, flatten, batchnorm, dropout, activations, residual
    loss          softmax with cross-entropy, where the backward pass begins
    sgd           the step
    network       the whole network, forward and backward; `builder`: layer lines → layers; `arrays`: their numbers
    memory        the memory that a step needs

Pictures are (B, H, W, C) here, in the order of memory: a batch of rows of pixels of channels. Because a pixel's
channels are side by side, every convolution and dense layer is one product of matrices with contiguous rows, and
`flatten` costs nothing. Everything is float32 or everything is float64, like the arrays that are passed.

docs/background/backpropagation.md explains it step by step.
"""
