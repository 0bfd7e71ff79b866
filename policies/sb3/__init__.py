"""Policies of Stable-Baselines3 and sb3-contrib over this package's networks."""
