"""`python -m engine`, installed also as `deepdream`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli import stopping

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and end the process."""
    stopping.arm()
    from engine.cli.main import main as run  # noqa: PLC0415 - a signal meanwhile finds us prepared

    stopping.leave(run())


if __name__ == "__main__":
    main()
