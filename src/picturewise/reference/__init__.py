"""The same layer lines in NumPy alone, with backpropagation written by hand: to be read, and to check PyTorch by.

    layer         what every layer offers; `chain`: layers one after the other, which is the chain rule
    dense, convolution, padding, maxpool, avgpool, flatten, batchnorm, dropout, activations, residual
    loss          softmax with cross-entropy, where the way back begins
    sgd           the step
    network       the whole, there and back; `builder`: layer lines → layers; `arrays`: their numbers
    memory        what a step takes

Pictures are (B, H, W, C) here, as they lie in memory and as one says it: a batch of rows of pixels of channels. A
pixel's channels side by side make every convolution and dense layer one product of matrices whose rows are contiguous,
and `flatten` costs nothing. All is float32 or all is float64, as the arrays are that are passed.

docs/background/backpropagation.md walks through it.
"""
