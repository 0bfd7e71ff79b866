"""Learning algorithms on Stable-Baselines3 and sb3-contrib."""
