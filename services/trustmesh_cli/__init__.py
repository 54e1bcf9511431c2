"""The `trustmesh` command: makes, runs and looks after an installation of the mesh."""
