"""The operators of the integer graph, one file each; the file's name is the operator's name in a saved graph."""
