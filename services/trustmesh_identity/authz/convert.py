"""Protobuf to domain and back."""

from __future__ import annotations

from trustmesh.authz.v1 import client_pb2, client_service_pb2, signing_key_pb2
from trustmesh_identity.authz.clients import Client
from trustmesh_identity.authz.operations import ClientChange, NewClient, client_etag
from trustmesh_identity.authz.signing_keys import SigningKey, State

_STATES = {
    State.NEXT: signing_key_pb2.SigningKey.STATE_NEXT,
    State.CURRENT: signing_key_pb2.SigningKey.STATE_CURRENT,
    State.RETIRED: signing_key_pb2.SigningKey.STATE_RETIRED,
}


def org_of_parent(parent: str) -> str:
    """The id in "orgs/{org}"."""
    return parent.removeprefix("orgs/")


def ids_of(name: str) -> tuple[str, str]:
    """Organisation and client of "orgs/{org}/clients/{client}"."""
    _, org, _, client = name.split("/")
    return org, client


def new_client(request: client_service_pb2.CreateClientRequest) -> NewClient:
    return NewClient(
        org=org_of_parent(request.parent),
        id=request.client_id,
        display_name=request.client.display_name,
        scopes=tuple(request.client.scopes),
        orgs=tuple(map(org_of_parent, request.client.orgs)),
    )


def client_change(request: client_service_pb2.UpdateClientRequest) -> ClientChange:
    client, mask = request.client, frozenset(request.update_mask.paths)
    chosen = mask or {field.name for field, _ in client.ListFields()}

    def changes(field: str) -> bool:
        return field in chosen or "*" in chosen

    org, id = ids_of(client.name)
    return ClientChange(
        org=org,
        id=id,
        etag=client.etag,
        display_name=client.display_name if changes("display_name") else None,
        scopes=tuple(client.scopes) if changes("scopes") else None,
        orgs=tuple(map(org_of_parent, client.orgs)) if changes("orgs") else None,
    )


def client(client: Client) -> client_pb2.Client:
    previous = client.previous_secret
    return client_pb2.Client(
        name=client.name,
        client_id=client.client_id,
        display_name=client.display_name,
        scopes=client.scopes,
        orgs=[f"orgs/{org}" for org in client.orgs],
        create_time=client.create_time,
        update_time=client.update_time,
        secret_create_time=client.secret_create_time,
        previous_secret_expire_time=previous.expires if previous else None,
        etag=client_etag(client),
    )


def signing_key(key: SigningKey) -> signing_key_pb2.SigningKey:
    return signing_key_pb2.SigningKey(
        name=f"signingKeys/{key.kid}",
        state=_STATES[key.state],
        create_time=key.create_time,
        publish_time=key.publish_time,
        activate_time=key.activate_time,
        expire_time=key.expire_time,
    )
