"""The layers of float networks, one file each: what they compute, what they are in torch, how they become integers."""
