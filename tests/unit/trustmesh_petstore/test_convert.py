from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from trustmesh.petstore.v1 import order_pb2, pet_pb2, pet_service_pb2
from trustmesh_petstore import convert
from trustmesh_petstore.orders import OrderState
from trustmesh_petstore.pets import Species

PET = pet_pb2.Pet(name="orgs/a/pets/rex", display_name="Rex", tags=["x"], etag="e")


@pytest.mark.parametrize(
    ("paths", "changed"),
    [
        ([], {"display_name": "Rex", "tags": ("x",)}),
        (["*"], {"display_name": "Rex", "price_cents": 0, "tags": ("x",)}),
        (["price_cents"], {"price_cents": 0}),
        (["tags", "display_name"], {"display_name": "Rex", "tags": ("x",)}),
    ],
)
def test_changes(paths: list[str], changed: dict[str, object]) -> None:
    assert convert.changes(PET, FieldMask(paths=paths), convert.PET_CHANGES) == changed


def test_the_contract_and_the_domain_name_the_same_values() -> None:
    assert {f"SPECIES_{each.name}" for each in Species} == set(pet_pb2.Species.keys()) - {"SPECIES_UNSPECIFIED"}
    assert {f"ORDER_STATE_{each.name}" for each in OrderState} == set(order_pb2.OrderState.keys()) - {"ORDER_STATE_UNSPECIFIED"}


def test_a_fingerprint_tells_requests_apart() -> None:
    request = pet_service_pb2.CreatePetRequest(parent="orgs/a", pet_id="rex", request_id="r", pet=PET)
    other = pet_service_pb2.CreatePetRequest(parent="orgs/a", pet_id="max", request_id="r", pet=PET)
    assert convert.once(request) == convert.once(request) != convert.once(other)
    assert convert.once(request).request_id == "r"
