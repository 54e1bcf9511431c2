from pathlib import Path

import pytest

from trustmesh_chassis.settings import SettingsError, load_settings
from trustmesh_identity.authz.settings import AuthzSettings


def test_issuer_is_the_gateway_by_default(tmp_path: Path) -> None:
    settings = load_settings(AuthzSettings, "authz", tmp_path, {})
    assert settings.token_issuer == "https://localhost:8443" and settings.public_port == 8180


@pytest.mark.parametrize("issuer", ["https://issuer.example/", "https://issuer.example/tenant"])
def test_issuer_with_a_path_is_refused(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(SettingsError, match=r"TRUSTMESH_ISSUER.*origin without a path"):
        load_settings(AuthzSettings, "authz", tmp_path, {"TRUSTMESH_ISSUER": issuer})
