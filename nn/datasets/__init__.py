"""Images to train, calibrate and judge networks with: `load` finds them by a source's name or a path.

A source is one file in nn/datasets/sources (a name, as "digits"); a format is one in nn/datasets/formats (a path).
"""

from nn.datasets.dataset import Dataset
from nn.datasets.loading import available, load

__all__ = ["Dataset", "available", "load"]
