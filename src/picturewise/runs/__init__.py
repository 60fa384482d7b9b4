"""The run folder: record, history, checkpoints, evaluations, and which picture was in which split."""
