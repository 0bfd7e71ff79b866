"""Train, play against each other, judge, export, serve, learn on: the top floor; may import everything below."""
