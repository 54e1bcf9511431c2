"""One module per command; `trustmesh_cli.main` imports the one that is called."""
