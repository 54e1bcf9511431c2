"""`python -m trustmesh_cli`: the `trustmesh` command."""

from trustmesh_cli.main import main

if __name__ == "__main__":
    main()
