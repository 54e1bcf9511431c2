from trustmesh_chassis.storage.testing import postgres_server, postgres_url, storage_url

__all__ = ["postgres_server", "postgres_url", "storage_url"]
