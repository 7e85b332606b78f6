"""Rare failures: probabilities that plain Monte Carlo cannot reach, from ngspice verdicts."""
