"""The floor: errors, units, seeds, store, executor, model file, array protocol. Imports nothing of ours."""
