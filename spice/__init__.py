"""What it does: ngspice through PySpice, characterisation, Monte Carlo and fits."""
