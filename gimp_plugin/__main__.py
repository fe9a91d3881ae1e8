"""`python -m gimp_plugin`, also installed as `deepdream-gimp`: installs the plug-in in GIMP."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gimp_plugin import profiles
from gimp_plugin.check import PERMISSION, check
from gimp_plugin.install import InstallError, find_engine, install, remove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gimp_plugin.profiles import Profile

EPILOG = """\
examples:
  deepdream-gimp install                            for all your GIMP installations
  deepdream-gimp install --profile ~/.config/GIMP/3.0
  deepdream-gimp check                              find out why it is not in the menu
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if all is well, otherwise 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    arguments = _parser().parse_args(argv)
    command = "check" if arguments.check else arguments.command
    try:
        chosen = _profiles(arguments)
        return {"install": _install, "check": _check, "remove": _remove}[command](chosen)
    except InstallError as error:
        _complain(error)
        return 1


def _install(chosen: list[Profile]) -> int:
    command, version = find_engine()
    able = [profile for profile in chosen if profile.host]
    for profile in chosen:
        if not profile.host:
            _say(f"{profile.name}: skipped, as the plug-in does not support it")
    if not able:
        raise InstallError("the plug-in supports none of your GIMP versions", "install GIMP 3 (or 2.10)")
    failed = 0
    for profile in able:
        try:
            folder = install(profile, command, version)
        except InstallError as error:
            failed += 1
            _complain(error, profile.name)
            continue
        _say(f"{profile.name}: installed in {folder}")
        if profile.package == "flatpak":
            _say("  Flatpak prevents GIMP from starting other programs. To allow it (untested):")
            _say(f"  {PERMISSION}")
    if failed < len(able):
        _say("Restart GIMP, open a picture and choose Filters > Deep Dream…")
        _say("If it is not there, run: deepdream-gimp check")
    return int(failed > 0)


def _check(chosen: list[Profile]) -> int:
    good = True
    for profile in chosen:
        findings = check(profile, Path.home())
        certain = any(finding.certain for finding in findings)
        # An old GIMP beside one that works is not a problem.
        good = good and not (certain and (profile.host or len(chosen) == 1))
        _say(f"{profile.name}: {'will not work' if certain else 'all is well'} ({profile.folder})")
        for finding in findings:
            _say(f"  {'problem' if finding.certain else 'note'}: {finding.text}")
            _say(f"    remedy: {finding.remedy}")
    good = good and any(profile.host for profile in chosen)
    if good:
        _say("The plug-in is at Filters > Deep Dream… Restart GIMP if it is already running.")
    return int(not good)


def _remove(chosen: list[Profile]) -> int:
    failed = 0
    for profile in chosen:
        try:
            gone = remove(profile)
        except InstallError as error:
            failed += 1
            _complain(error, profile.name)
        else:
            _say(f"{profile.name}: {'removed' if gone else 'was not installed'}")
    return int(failed > 0)


def _profiles(arguments: argparse.Namespace) -> list[Profile]:
    """Return the profiles to work on; raise InstallError if there are none."""
    if arguments.profile:
        folder = Path(arguments.profile).expanduser().resolve()
        profile = profiles.given(folder, arguments.gimp)
        if profile is None:
            raise InstallError(
                f"the name of {folder} does not say which GIMP it belongs to", "add --gimp 2.10 or --gimp 3"
            )
        if not folder.is_dir():
            raise InstallError(f"there is no folder {folder}", "start that GIMP once to create it")
        return [profile]
    found = profiles.find(os.environ, Path.home())
    if arguments.gimp:
        major = arguments.gimp.split(".")[0]
        found = [profile for profile in found if str(profile.version[0]) == major]
    if found:
        return found
    if shutil.which("gimp"):
        raise InstallError(
            "GIMP is installed, but does not have a profile folder yet", "start GIMP once, then close it"
        )
    raise InstallError(
        "no GIMP found",
        "start GIMP once, or give its folder (Edit > Preferences > Folders) with --profile FOLDER",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "deepdream-gimp",
        description="Add Filters > Deep Dream… to GIMP.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument("--profile", metavar="FOLDER", help="only the GIMP with this profile folder")
    common.add_argument("--gimp", choices=("2.10", "3"), help="only this GIMP, or the GIMP of FOLDER")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    made = commands.add_parser("install", help="copy the plug-in to GIMP's plug-in folders", parents=[common])
    made.add_argument("--check", action="store_true", help="do not install anything; same as check")
    for name, text in (
        ("check", "find out why the plug-in does not work, and what to do about it"),
        ("remove", "remove the plug-in from GIMP's plug-in folders"),
    ):
        commands.add_parser(name, help=text, parents=[common]).set_defaults(check=False)
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(error: InstallError, name: str = "deepdream-gimp") -> None:
    sys.stderr.write(f"{name}: error: {error}\n  hint: {error.hint}\n")


if __name__ == "__main__":
    sys.exit(main())
