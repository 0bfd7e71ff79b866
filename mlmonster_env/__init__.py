"""Monsters of a Ragnarok Online server as a reinforcement-learning world."""
