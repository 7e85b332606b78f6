"""Operators that are others on moved numbers; one file each.

A module names the operators, `TORCH_NAMES` and `ONNX_NAMES`, and has a function `spelt(assembly, said)`: it appends
layers, in torch's words, and gives the result's view, or None where a layer stands for this call as it is.
"""
