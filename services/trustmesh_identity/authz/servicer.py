"""The gRPC services: convert, call, convert."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from trustmesh.authz.v1 import client_pb2, client_service_pb2, signing_key_pb2, signing_key_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens, page_size
from trustmesh_identity.authz import convert, operations
from trustmesh_identity.authz.keyring import Keyring
from trustmesh_identity.authz.ports import ClientRepository, Clock, RandomBytes


class ClientServicer:
    """trustmesh.authz.v1.ClientService."""

    def __init__(self, clients: ClientRepository, page_tokens: PageTokens, clock: Clock, random_bytes: RandomBytes) -> None:
        self._clients = clients
        self._page_tokens = page_tokens
        self._clock = clock
        self._random_bytes = random_bytes

    async def CreateClient(
        self, request: client_service_pb2.CreateClientRequest, call: Call
    ) -> client_service_pb2.CreateClientResponse:
        made = await operations.create_client(
            convert.new_client(request),
            principal=call.principal,
            clients=self._clients,
            now=self._clock(),
            random_bytes=self._random_bytes,
        )
        return client_service_pb2.CreateClientResponse(client=convert.client(made.client), client_secret=made.secret)

    async def GetClient(self, request: client_service_pb2.GetClientRequest, call: Call) -> client_pb2.Client:
        return convert.client(await self._clients.get(*convert.ids_of(request.name)))

    async def ListClients(
        self, request: client_service_pb2.ListClientsRequest, call: Call
    ) -> client_service_pb2.ListClientsResponse:
        page, next_page_token = await operations.list_clients(
            convert.org_of_parent(request.parent),
            page_size(request.page_size),
            request.page_token,
            clients=self._clients,
            page_tokens=self._page_tokens,
        )
        return client_service_pb2.ListClientsResponse(clients=map(convert.client, page), next_page_token=next_page_token)

    async def UpdateClient(self, request: client_service_pb2.UpdateClientRequest, call: Call) -> client_pb2.Client:
        change = convert.client_change(request)
        changed = await operations.update_client(change, principal=call.principal, clients=self._clients, now=self._clock())
        return convert.client(changed)

    async def DeleteClient(self, request: client_service_pb2.DeleteClientRequest, call: Call) -> Empty:
        await operations.delete_client(*convert.ids_of(request.name), request.etag, clients=self._clients)
        return Empty()

    async def RotateClientSecret(
        self, request: client_service_pb2.RotateClientSecretRequest, call: Call
    ) -> client_service_pb2.RotateClientSecretResponse:
        rotated = await operations.rotate_client_secret(
            *convert.ids_of(request.name),
            request.etag,
            request.previous_secret_ttl.ToTimedelta(),
            principal=call.principal,
            clients=self._clients,
            now=self._clock(),
            random_bytes=self._random_bytes,
        )
        return client_service_pb2.RotateClientSecretResponse(client=convert.client(rotated.client), client_secret=rotated.secret)


class SigningKeyServicer:
    """trustmesh.authz.v1.SigningKeyService."""

    def __init__(self, keyring: Keyring, page_tokens: PageTokens) -> None:
        self._keyring = keyring
        self._page_tokens = page_tokens

    async def ListSigningKeys(
        self, request: signing_key_service_pb2.ListSigningKeysRequest, call: Call
    ) -> signing_key_service_pb2.ListSigningKeysResponse:
        keys, next_page_token = operations.list_signing_keys(
            self._keyring.keys, page_size(request.page_size), request.page_token, page_tokens=self._page_tokens
        )
        return signing_key_service_pb2.ListSigningKeysResponse(
            signing_keys=map(convert.signing_key, keys), next_page_token=next_page_token
        )

    async def RotateSigningKey(
        self, request: signing_key_service_pb2.RotateSigningKeyRequest, call: Call
    ) -> signing_key_pb2.SigningKey:
        return convert.signing_key(await self._keyring.rotate())
