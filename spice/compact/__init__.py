"""The 6T cell while it is read, fast: device currents fitted to ngspice, and its curves solved from them in numba."""
