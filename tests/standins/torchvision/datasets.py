from __future__ import annotations

from torchvision.absent import Absent

CIFAR10 = CIFAR100 = FashionMNIST = ImageFolder = KMNIST = MNIST = Absent
