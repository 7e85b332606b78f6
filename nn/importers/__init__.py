"""How networks come in, one file a framework: each makes a `nn.float_graph.FloatGraph`."""
