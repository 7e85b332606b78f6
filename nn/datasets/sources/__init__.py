"""Data sets by name, one file each: `load() -> Dataset`, and `fetch()` where something has to be got first."""
