"""Networks on arrays: integer graph, quantisation, targets and accuracy studies."""
