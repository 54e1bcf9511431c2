"""What every service stands on: call pipeline, transport, settings, storage, identity, lifecycle. It knows no product."""

import os

# gRPC's Python API has no minimum TLS version. This variable, read when grpc is imported, names the suites of TLS 1.2 alone; with
# none but an RSA suite a TLS 1.2 handshake between our P-256 certificates finds no shared cipher, and TLS 1.3 remains.
os.environ.setdefault("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES128-GCM-SHA256")

# A process that serves gRPC and starts another one only ever replaces it by exec; gRPC's own fork handlers would break both.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
