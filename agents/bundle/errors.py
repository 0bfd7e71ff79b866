"""What can be wrong with a bundle, each kind by a name."""


class BundleError(Exception):
    """A bundle that is refused: `name` says by what rule, the message which file, what was found, and what is right."""

    def __init__(self, name: str, told: str) -> None:
        super().__init__(f"{name}: {told}")
        self.name = name
        self.told = told
