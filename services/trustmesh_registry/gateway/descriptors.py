"""The descriptor set that Envoy's transcoder gets: the mesh's own, with REST paths as the gateway serves them."""

from __future__ import annotations

from google.api import annotations_pb2, http_pb2
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from trustmesh_registry.gateway.catalogue import Catalogue, Offered, in_order, merge_files
from trustmesh_registry.gateway.paths import SERVICE_PREFIX

# The types of error details: the transcoder prints only what its set describes.
_ALWAYS = (any_pb2, duration_pb2, error_details_pb2, status_pb2)


def transcoder_descriptors(catalogue: Catalogue) -> FileDescriptorSet:
    """All files, each after its imports. A method that the gateway does not offer loses its REST paths."""
    offered = {each.method.full_name: each for each in catalogue.methods}
    known = merge_files({}, (FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb) for module in _ALWAYS))
    return FileDescriptorSet(file=[_rewritten(file, offered) for file in in_order(merge_files(known, catalogue.files.values()))])


def transcoded_services(catalogue: Catalogue) -> list[str]:
    return sorted({each.method.full_service for each in catalogue.methods if each.bindings})


def _rewritten(file: FileDescriptorProto, offered: dict[str, Offered]) -> FileDescriptorProto:
    result = FileDescriptorProto()
    result.CopyFrom(file)
    for service in result.service:
        for method in service.method:
            each = offered.get(f"{file.package}.{service.name}.{method.name}")
            method.options.ClearExtension(annotations_pb2.http)
            if each and each.bindings:
                method.options.Extensions[annotations_pb2.http].CopyFrom(_rule(each))
    return result


def _rule(offered: Offered) -> http_pb2.HttpRule:
    first, *others = (
        http_pb2.HttpRule(**{each.verb.lower(): SERVICE_PREFIX + each.template}, body=each.body) for each in offered.bindings
    )
    first.additional_bindings.extend(others)
    return first
