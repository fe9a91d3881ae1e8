"""The command line, `deepdream` and `python -m engine`: the topmost folder.

`main` runs the command and turns errors into messages and exit codes; `parser` reads the command line;
`options` has the options that commands share; `console` prints, and lets no file's name give orders to a
terminal; `stopping` ends the process when a signal comes; `reporters/` has the ways to report progress;
`commands/` has one module for each command.  To add a command, add a module there and a line to
`main.COMMANDS`.

Anything that a program could want without a terminal belongs in the folders below, and nothing below knows
about options, terminals or exit codes.
"""
