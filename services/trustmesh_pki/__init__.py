"""The mesh's certificate authority: an offline root, rotating intermediates, join tokens, and SPIFFE identities of one hour."""
