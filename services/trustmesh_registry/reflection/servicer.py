"""ServerReflection, v1 and v1alpha."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.rpc.code_pb2 import INVALID_ARGUMENT, NOT_FOUND

from trustmesh_chassis.call import Call
from trustmesh_registry.reflection.index import DescriptorIndex
from trustmesh_registry.reflection.protocol import response_class


class ReflectionServicer:
    """Answers for every service that is registered, whichever process serves it."""

    def __init__(self, service: ServiceDescriptor, index: Callable[[], DescriptorIndex]) -> None:
        """`service` says which version of the protocol; `index` gives the present contracts."""
        self._response = response_class(service)
        self._index = index

    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            response = self._response(valid_host=request.host, original_request=request)
            try:
                self._answer(request, response, self._index())
            except KeyError:
                response.error_response.error_code = NOT_FOUND
                response.error_response.error_message = "no registered contract declares it"
            yield response

    def _answer(self, request: Any, response: Any, index: DescriptorIndex) -> None:
        match request.WhichOneof("message_request"):
            case "list_services":
                for name in index.services:
                    response.list_services_response.service.add(name=name)
                response.list_services_response.SetInParent()
            case "file_by_filename":
                _add_files(response, index, request.file_by_filename)
            case "file_containing_symbol":
                _add_files(response, index, index.symbols[request.file_containing_symbol])
            case "file_containing_extension":
                wanted = request.file_containing_extension
                _add_files(response, index, index.extensions[wanted.containing_type][wanted.extension_number])
            case "all_extension_numbers_of_type":
                numbers = index.extensions[request.all_extension_numbers_of_type]
                response.all_extension_numbers_response.base_type_name = request.all_extension_numbers_of_type
                response.all_extension_numbers_response.extension_number.extend(sorted(numbers))
            case _:
                response.error_response.error_code = INVALID_ARGUMENT
                response.error_response.error_message = "the request asks for nothing"


def _add_files(response: Any, index: DescriptorIndex, name: str) -> None:
    files = [file.SerializeToString() for file in index.with_imports(name)]
    response.file_descriptor_response.file_descriptor_proto.extend(files)
