"""From a trained model to a bundle: the graph, its precision, and the proof that it is still the same mind."""
