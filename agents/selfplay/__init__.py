"""Training against past selves: a pool of snapshots, and who is met how often."""
