"""Messages to values and back, each conversion once."""

from __future__ import annotations

from datetime import datetime

from google.protobuf import json_format

from trustmesh.config.v1 import configuration_pb2
from trustmesh.registry.v1 import node_pb2, registry_service_pb2, service_pb2
from trustmesh_chassis.storage import etag_of
from trustmesh_registry.configurations import etag_of_value
from trustmesh_registry.membership import Instance, Service
from trustmesh_registry.operations import Directory
from trustmesh_registry.ports import Value
from trustmesh_registry.xds.nodes import ConnectedNode, Connection, Kind
from trustmesh_registry.xds.snapshot import TYPES, short
from trustmesh_registry.xds.stream import Subscription

MAX_CONFIGURATION_BYTES = 3 << 20

_KINDS = {Kind.ENVOY: node_pb2.Node.KIND_ENVOY, Kind.GRPC: node_pb2.Node.KIND_GRPC}


def last_segment(name: str) -> str:
    """The id at the end of a resource's name: "kms" of "services/kms"."""
    return name.rpartition("/")[2]


def instance_name(name: str) -> tuple[str, str]:
    """Service and instance id of "services/{service}/instances/{instance}"."""
    _, service, _, instance = name.split("/")
    return service, instance


def registered_instance(request: registry_service_pb2.RegisterInstanceRequest, now: datetime) -> Instance:
    given = request.instance
    return Instance(
        service=last_segment(request.parent),
        id=request.instance_id,
        address=given.address,
        port=given.port,
        http_port=given.http_port,
        version=given.version,
        create_time=now,
        update_time=now,
    )


def instance_message(instance: Instance, directory: Directory) -> service_pb2.Instance:
    state = service_pb2.Instance.STATE_SERVING if directory.live(instance) else service_pb2.Instance.STATE_LAPSED
    return service_pb2.Instance(
        name=instance.name,
        create_time=instance.create_time,
        update_time=instance.update_time,
        etag=etag_of(instance.name, instance.address, instance.port, instance.http_port, instance.version, instance.update_time),
        address=instance.address,
        port=instance.port,
        http_port=instance.http_port,
        version=instance.version,
        state=state,
        lease_expire_time=directory.lease(instance),
    )


def service_message(service: Service, directory: Directory) -> service_pb2.Service:
    instances = [instance_message(service.instances[key], directory) for key in sorted(service.instances)]
    return service_pb2.Service(
        name=f"services/{service.name}",
        create_time=service.create_time,
        update_time=service.update_time,
        etag=etag_of(service.contract.digest, *(part for each in instances for part in (each.etag, each.state))),
        grpc_services=service.contract.grpc_services,
        contract_digest=service.contract.digest,
        instances=instances,
    )


def configuration_key(name: str) -> str:
    return name.removeprefix("configurations/")


def configuration_message(value: Value) -> configuration_pb2.Configuration:
    return configuration_pb2.Configuration(
        name=f"configurations/{value.key}",
        create_time=value.create_time,
        update_time=value.update_time,
        etag=etag_of_value(value),
        value=value.text,
        writer=value.writer,
    )


def node_message(connected: ConnectedNode) -> node_pb2.Node:
    streams = [_stream_message(connection) for connection in connected.connections]
    since = min(connection.connect_time for connection in connected.connections)
    times = [
        time
        for each in connected.connections
        for sub in each.stream.subscriptions.values()
        for time in (sub.sent_time, sub.answer_time)
    ]
    latest = max((time for time in times if time is not None), default=since)
    return node_pb2.Node(
        name=f"nodes/{connected.node.id}",
        create_time=since,
        update_time=latest,
        etag=etag_of(*(stream.SerializeToString(deterministic=True) for stream in streams)),
        kind=_KINDS[connected.node.kind],
        service=f"services/{connected.node.service}",
        user_agent=connected.node.user_agent,
        streams=streams,
    )


def node_configuration_message(connected: ConnectedNode, type_name: str = "") -> node_pb2.NodeConfiguration:
    """What the node was sent of that type ("" for all), the JSON left out where it would exceed the answer's bound."""
    resources = {
        (type_url, name): (subscription.sent_version, resource)
        for connection in connected.connections
        for type_url, subscription in connection.stream.subscriptions.items()
        for name, resource in subscription.sent.items()
    }
    message = node_pb2.NodeConfiguration(name=f"nodes/{connected.node.id}/configuration")
    room = MAX_CONFIGURATION_BYTES
    for (type_url, name), (version, resource) in sorted(resources.items(), key=lambda item: item[0]):
        if type_name in ("", short(type_url)):
            json = json_format.MessageToJson(resource.packed, indent=None)
            omitted = len(json) > room
            room -= 0 if omitted else len(json)
            message.resources.add(type=short(type_url), name=name, version=version, json="" if omitted else json, omitted=omitted)
    return message


def _stream_message(connection: Connection) -> node_pb2.NodeStream:
    subscriptions = connection.stream.subscriptions
    return node_pb2.NodeStream(
        connect_time=connection.connect_time,
        subscriptions=[_subscription_message(each, subscriptions[each]) for each in TYPES if each in subscriptions],
    )


def _subscription_message(type_url: str, subscription: Subscription) -> node_pb2.NodeSubscription:
    return node_pb2.NodeSubscription(
        type=short(type_url),
        resource_names=sorted(subscription.names or ()),
        sent_version=subscription.sent_version,
        acknowledged_version=subscription.accepted_version,
        refusal=subscription.refusal,
        sent_time=subscription.sent_time,
        answer_time=subscription.answer_time,
        refusals=subscription.refusals,
    )
