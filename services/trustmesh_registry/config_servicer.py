"""ConfigService: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from trustmesh.config.v1 import config_service_pb2, configuration_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens
from trustmesh_registry import convert
from trustmesh_registry.configurations import Configurations
from trustmesh_registry.operations import require_own
from trustmesh_registry.rollout import Rollout
from trustmesh_registry.servicer import paged
from trustmesh_registry.watching import Closing, told

CONFIG = config_service_pb2.DESCRIPTOR.services_by_name["ConfigService"]


class ConfigServicer:
    """trustmesh.config.v1.ConfigService."""

    def __init__(self, configurations: Configurations, tokens: PageTokens, closing: Closing, rollout: Rollout) -> None:
        self._configurations = configurations
        self._rollout = rollout
        self._tokens = tokens
        self._closing = closing

    async def GetConfiguration(
        self, request: config_service_pb2.GetConfigurationRequest, call: Call
    ) -> configuration_pb2.Configuration:
        return convert.configuration_message(self._configurations.find(convert.configuration_key(request.name)))

    async def ListConfigurations(
        self, request: config_service_pb2.ListConfigurationsRequest, call: Call
    ) -> config_service_pb2.ListConfigurationsResponse:
        values = self._configurations.under(request.prefix)
        keys, token = paged(values, request.page_size, request.page_token, self._tokens, call.method.full_name, request.prefix)
        return config_service_pb2.ListConfigurationsResponse(
            configurations=[convert.configuration_message(values[key]) for key in keys], next_page_token=token
        )

    async def UpdateConfiguration(
        self, request: config_service_pb2.UpdateConfigurationRequest, call: Call
    ) -> configuration_pb2.Configuration:
        assert call.principal is not None  # The policy lists no service that may call without one.
        value = await self._configurations.write(
            convert.configuration_key(request.configuration.name),
            request.configuration.value,
            call.principal.subject,
            etag=request.configuration.etag,
            allow_missing=request.allow_missing,
            dry_run=request.validate_only,
        )
        return convert.configuration_message(value)

    async def DeleteConfiguration(self, request: config_service_pb2.DeleteConfigurationRequest, call: Call) -> Empty:
        await self._configurations.delete(convert.configuration_key(request.name), request.etag)
        return Empty()

    async def PublishConfiguration(
        self, request: config_service_pb2.PublishConfigurationRequest, call: Call
    ) -> configuration_pb2.Configuration:
        key = convert.configuration_key(request.name)
        service = key.partition("/")[0]
        require_own(call.peer, service)
        written = await self._configurations.write(key, request.value, f"services/{service}")
        await self._rollout.reached()
        return convert.configuration_message(written)

    async def WatchConfigurations(
        self, request: config_service_pb2.WatchConfigurationsRequest, call: Call
    ) -> AsyncIterator[config_service_pb2.WatchConfigurationsResponse]:
        with self._configurations.watched() as watcher:
            for key in self._configurations.under(request.prefix):
                yield self._event(key)
            yield config_service_pb2.WatchConfigurationsResponse(synchronized={})
            async for key in told(watcher, self._closing):
                if key.startswith(request.prefix):
                    yield self._event(key)
        yield config_service_pb2.WatchConfigurationsResponse(status=self._closing.status)

    def _event(self, key: str) -> config_service_pb2.WatchConfigurationsResponse:
        value = self._configurations.get(key)
        if value is None:
            return config_service_pb2.WatchConfigurationsResponse(removed=f"configurations/{key}")
        return config_service_pb2.WatchConfigurationsResponse(configuration=convert.configuration_message(value))
