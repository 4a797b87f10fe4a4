"""The two networks of `model_code.networks.networks` as a PyTorch user would write them, for comparison only."""

from __future__ import annotations

import torch  # pyright: ignore[reportMissingImports]  # of another Python
from torch import nn  # pyright: ignore[reportMissingImports]


def convolution(channels_in: int, channels: int, *, pool: bool) -> nn.Sequential:
    """3×3 convolution, optional halving, batch normalisation, ReLU."""
    pooling = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
        *pooling,
        nn.BatchNorm2d(channels, momentum=0.1),
        nn.ReLU(),
    )


class Cnn(nn.Module):
    """From float images [N, 3, 32, 32] in 0..255 to logits."""

    def __init__(self, width: int, class_count: int) -> None:
        super().__init__()
        blocks, channels_in = [], width
        for channels in (width, 4 * width, 4 * width):
            blocks += [
                convolution(channels_in, channels, pool=True),
                convolution(channels, channels, pool=False),
            ]
            channels_in = channels
        self.layers = nn.Sequential(nn.Conv2d(3, width, 2), nn.GELU(), *blocks)
        self.classifier = nn.Linear(channels_in, class_count, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [N, C]."""
        hidden = self.layers((images - 127.5) / 64.0)
        return self.classifier(hidden.amax(dim=(2, 3))) * 0.125


class Rnn(nn.Module):
    """From word numbers [N, L] to logits."""

    def __init__(self, words: int, embedding_size: int, units: int, dropout: float, class_count: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding_size)
        self.channels = nn.Dropout1d(dropout)
        self.gru = nn.GRU(embedding_size, units, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(4 * units, class_count)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Logits [N, C]."""
        embedded = self.embedding(words)
        hidden, _ = self.gru(self.channels(embedded.transpose(1, 2)).transpose(1, 2))
        present = (words != 0).unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * present).sum(1) / present.sum(1).clamp(min=1)
        return self.classifier(self.dropout(torch.cat([hidden.amax(1), mean], dim=1)))
