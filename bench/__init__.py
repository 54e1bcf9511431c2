"""What Trustmesh costs, each figure beside a peer or a stated limit: `make bench`."""
