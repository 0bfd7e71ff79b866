"""What a user holds of the world: environments over the simulator, and its pictures."""
