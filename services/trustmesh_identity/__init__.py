"""Identity: who may get which tokens. One subpackage per service: `authz` issues access tokens."""
