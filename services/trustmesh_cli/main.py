"""`trustmesh`: the command line. A command's module is imported when it is called, so `--help` answers at once."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from trustmesh_cli.problem import EXIT_CODES, Exit, Problem

_COMMANDS = {
    "init": "Make an installation: trust roots, settings, demo accounts.",
    "up": "Run the whole mesh, here or in the background.",
    "down": "Drain and stop the mesh.",
    "status": "Show each service: state, process, memory, restarts.",
    "restart": "Replace services one by one without a failed call.",
    "check": "Say what is wrong with this installation, and the mend.",
    "demo": "Walk through tokens, keys and pets at the gateway, step by step.",
    "token": "Print an access token of a demo client.",
    "env": "Print what a shell needs for calls: gateway, CA, tokens.",
    "mesh": "What the control plane told each node, and what it answered.",
    "gateway": "The gateway's configuration.",
    "serve": "Run one service in the foreground.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of trustmesh_cli.commands, imported on use; names and summaries are known without."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"trustmesh_cli.commands.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TRUSTMESH_HOME",
    default=Path(".trustmesh"),
    show_default=True,
    show_envvar=True,
    help="Where the installation keeps its files.",
)
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Trustmesh: keys, identity, certificates and tokens on an mTLS mesh behind Envoy."""
    from trustmesh_cli.home import Home

    context.obj = Home(home.absolute())


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return guarded(lambda: cli.main(args=arguments, prog_name="trustmesh", standalone_mode=False))


def guarded(work: Callable[[], object]) -> int:
    """The exit code of `work`; every problem is one sentence on standard error, never a traceback."""
    try:
        outcome = work()
        return outcome if isinstance(outcome, int) else Exit.OK
    except Problem as problem:
        return _complain(str(problem), problem.code)
    except click.UsageError as error:
        hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return _complain(error.format_message() + hint, Exit.USAGE)
    except click.ClickException as error:
        return _complain(error.format_message(), Exit.FAILURE)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Exception as error:
        if os.environ.get("TRUSTMESH_TRACEBACK"):
            raise
        sentence = f"unexpected {type(error).__name__}: {error} (set TRUSTMESH_TRACEBACK=1 to see where)"
        return _complain(sentence, Exit.FAILURE)


def _complain(sentence: str, code: int) -> int:
    click.echo(f"{click.style('error:', fg='red')} {sentence}", err=True)
    return code


def main() -> None:
    """The console script."""
    sys.exit(run())
