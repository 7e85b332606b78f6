"""Fine-tuning of the integer graph itself, with its roundings in the loop and, on demand, a chip's arrays."""
