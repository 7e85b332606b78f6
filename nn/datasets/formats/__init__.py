"""Data sets by path, one file a format: `WHAT` it is, `reads(path) -> bool`, `read(path) -> Dataset`."""
