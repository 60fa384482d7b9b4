"""What somebody writes who knows PyTorch well: bfloat16 by autocast, channels-last, fused optimizers, no DataLoader.

Pictures stay in memory in the network's own number format and are gathered by index, and no loss is waited for. Without
bfloat16 instructions, it computes in float32. PyTorch's compiler is not used: it needs a C++ compiler on the machine.

Usage: python expert_batches.py JOB.json
"""

from __future__ import annotations

from pathlib import Path

import torch
from job import Job, check_table, do_job
from stopwatch import Stopwatch, take_turns
from torch import Tensor, nn
from torch_network import checked_network, optimizer, pictures

VERSIONS = {"torch (expert)": torch.__version__}


def has_bfloat16() -> bool:
    information = Path("/proc/cpuinfo")
    flags = information.read_text(encoding="utf-8").split() if information.is_file() else []
    return "avx512_bf16" in flags or "amx_bf16" in flags


def autocast() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16())


def ready(job: Job) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the network, all pictures (N, C, H, W) and their labels."""
    images, labels = pictures(job)
    kind = torch.bfloat16 if has_bfloat16() else torch.float32
    model = checked_network(job).to(memory_format=torch.channels_last)
    return model, images.to(kind, memory_format=torch.channels_last), labels


def train(job: Job) -> None:
    model, images, labels = ready(job)
    rule, loss_function = optimizer(job, model.parameters(), quick=True), nn.CrossEntropyLoss()
    stopwatch = Stopwatch(job.batch_size, VERSIONS)
    batches = len(images) // job.batch_size
    model.train()
    while True:  # the stopwatch ends it
        places = torch.randperm(len(images))[: batches * job.batch_size].view(batches, job.batch_size)
        for batch, chosen in enumerate(places, start=1):
            with autocast():
                inputs = images[chosen].contiguous(memory_format=torch.channels_last)
                loss = loss_function(model(inputs), labels[chosen])
            loss.backward()
            rule.step()
            rule.zero_grad()
            stopwatch.batch_done(batch, batches)


def predict(job: Job) -> None:
    model, images, _ = ready(job)
    model.eval()

    def probabilities() -> Tensor:
        with torch.inference_mode(), autocast():
            return torch.cat(
                [model(part).float().softmax(dim=1) for part in images.split(job.prediction_batch)]
            )

    check_table(job, probabilities().numpy(), len(images))
    take_turns(probabilities, len(images), VERSIONS)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict})
