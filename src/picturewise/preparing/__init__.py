"""From uint8 batches to the input of a network: normalisation, and augmentation of whole batches."""
