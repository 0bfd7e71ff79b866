"""Monsters, player-like bots, skills and maps of our own, in the files of a real server."""
