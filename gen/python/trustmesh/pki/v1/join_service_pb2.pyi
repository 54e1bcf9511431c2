from buf.validate import validate_pb2 as _validate_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from trustmesh.pki.v1 import identity_pb2 as _identity_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class JoinMeshRequest(_message.Message):
    __slots__ = ("join_token", "csr_pem")
    JOIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    join_token: str
    csr_pem: str
    def __init__(self, join_token: _Optional[str] = ..., csr_pem: _Optional[str] = ...) -> None: ...
