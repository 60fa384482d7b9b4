"""From uint8 batches to what a network takes: normalisation, and augmentation on whole batches."""
