"""Arrays at speed: crossbars with wires, converters and tiles in numba."""
