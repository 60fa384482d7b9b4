"""The loop of PyTorch's own tutorials: a TensorDataset, a DataLoader without workers, `loss.item()` for each batch.

Usage: python torch_batches.py JOB.json
"""

from __future__ import annotations

import torch
from job import Job, check_table, do_job
from stopwatch import Stopwatch, take_turns
from torch import nn
from torch.utils.data import DataLoader
from torch_network import checked_network, dataset, optimizer

VERSIONS = {"torch (tutorial)": torch.__version__}


def train(job: Job) -> None:
    model = checked_network(job)
    loader = DataLoader(dataset(job), batch_size=job.batch_size, shuffle=True)
    rule, loss_function = optimizer(job, model.parameters()), nn.CrossEntropyLoss()
    stopwatch = Stopwatch(job.batch_size, VERSIONS)
    model.train()
    while True:  # the stopwatch ends it
        total = 0.0
        for batch, (images, labels) in enumerate(loader, start=1):
            rule.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            rule.step()
            total += loss.item()
            stopwatch.batch_done(batch, len(loader))


def predict(job: Job) -> None:
    model = checked_network(job).eval()
    loader = DataLoader(dataset(job), batch_size=job.prediction_batch)

    def probabilities() -> torch.Tensor:
        with torch.no_grad():
            return torch.cat([model(images).softmax(dim=1) for images, _ in loader])

    images = len(loader.dataset)
    check_table(job, probabilities().numpy(), images)
    take_turns(probabilities, images, VERSIONS)


def save(job: Job) -> None:
    torch.save({"layers": job.layers, "weights": checked_network(job).state_dict()}, job.model)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
