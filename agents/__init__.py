"""Train, play against each other, judge, export, serve, learn on: the top floor; may import everything below."""

import os

# ONNX Runtime would write an id below the user's cache and a session into /tmp, and send to its makers what is run.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
