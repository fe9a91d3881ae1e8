"""The command line, `deepdream` and `python -m engine`: the top floor.

`main` finds the command and turns what goes wrong into words and exit codes; `options` says what can be
written on the command line; `console` is everything that is printed; `commands/` has one module for each
command.  A new command is a module in `commands/` and a line in `main.COMMANDS`.

What does not live here: anything a program could want without a terminal.  That is in the folders below, and
nothing below knows of options, terminals or exit codes.
"""
