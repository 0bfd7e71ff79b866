"""A registry over each kind of server, which holds nothing yet."""

import pytest

from agents.registry import Registry
from tests.agents.registry.bundles import make_bundle
from tests.store.conftest import (  # noqa: F401 - fixtures
    embedded_url,
    make_database,
    make_folder,
    own_connection,
    own_database,
    server,
    system_url,
    template,
)


@pytest.fixture
def registry(own_database, tmp_path) -> Registry:  # noqa: F811
    return Registry(own_database, tmp_path / "models", actor="tester")


@pytest.fixture
def register(registry):
    """Makes a bundle and registers it."""
    return lambda number: registry.register(make_bundle(registry.models, number))
