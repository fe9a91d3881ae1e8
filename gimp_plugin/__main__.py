"""`python -m gimp_plugin`, also installed as `deepdream-gimp`: installs the plug-in in GIMP."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gimp_plugin import profiles, remembered
from gimp_plugin.check import AGAIN, PERMISSION, check
from gimp_plugin.install import InstallError, find_engine, install, remove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gimp_plugin.profiles import Profile

EPILOG = """\
examples:
  deepdream-gimp install                            for all your GIMP installations
  deepdream-gimp install --profile ~/.config/GIMP/3.0
  deepdream-gimp install --profile D:\\portable --gimp 2.10
  deepdream-gimp check                              find out why it is not in the menu
"""

PREFERENCES: Final = "Edit > Preferences > Folders in GIMP"
"""Where GIMP shows its folders."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if all is well, otherwise 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    arguments = _parser().parse_args(argv)
    command = "check" if arguments.check else arguments.command
    try:
        return {"install": _install, "check": _check, "remove": _remove}[command](arguments)
    except InstallError as error:
        _complain(error)
        return 1


def _install(arguments: argparse.Namespace) -> int:
    able = _able(_profiles(arguments))
    command, version = find_engine()
    failed = 0
    for profile in able:
        try:
            folder = install(profile, command, version)
        except InstallError as error:
            failed += 1
            _complain(error, profile.name)
            continue
        _say(f"{profile.name}: installed in {folder}")
        if arguments.profile is not None:
            _remember(profile, arguments.gimp)
        if profile.package == "flatpak":
            _say("  Flatpak prevents GIMP from starting other programs. To allow it (untested):")
            _say(f"  {PERMISSION}")
    if failed < len(able):
        _say("Restart GIMP, open a picture and choose Filters > Deep Dream…")
        _say("If it is not there, run: deepdream-gimp check")
    return int(failed > 0)


def _check(arguments: argparse.Namespace) -> int:
    good = True
    for profile in _able(_profiles(arguments)):
        findings = check(profile, Path.home(), again=_again(arguments))
        certain = any(finding.certain for finding in findings)
        good = good and not certain
        _say(f"{profile.name}: {'will not work' if certain else 'all is well'} ({profile.folder})")
        for finding in findings:
            _say(f"  {'problem' if finding.certain else 'note'}: {finding.text}")
            _say(f"    remedy: {finding.remedy}")
    if good:
        _say("The plug-in is at Filters > Deep Dream… Restart GIMP if it is already running.")
    return int(not good)


def _remove(arguments: argparse.Namespace) -> int:
    chosen = _profiles(arguments)
    failed = 0
    for profile in chosen:
        try:
            gone = remove(profile)
        except InstallError as error:
            failed += 1
            _complain(error, profile.name)
        else:
            _say(f"{profile.name}: {'removed' if gone else 'was not installed'} ({profile.folder})")
            with contextlib.suppress(OSError):  # then it is known, and nothing is there: no harm
                remembered.forget(profile.folder)
    return int(failed > 0)


def _able(chosen: list[Profile]) -> list[Profile]:
    """Return the profiles that count, and say which are left out; raise InstallError if none counts."""
    able = [profile for profile in chosen if profile.host]
    if not able:
        names = ", ".join(profile.name for profile in chosen)
        raise InstallError(f"the plug-in does not support {names}", "install GIMP 3 (or 2.10)")
    for profile in chosen:
        if not profile.host:  # an old profile stays when GIMP is renewed, and is no problem
            _say(f"{profile.name}: skipped, as the plug-in does not support it")
    return able


def _again(arguments: argparse.Namespace) -> str:
    """Return the command that installs where this one looked."""
    words = AGAIN.split()
    if arguments.profile is not None:
        words += ["--profile", arguments.profile]
    if arguments.gimp:
        words += ["--gimp", arguments.gimp]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _remember(profile: Profile, version: str | None) -> None:
    """Remember a folder that the user has named, unless it is found without."""
    usual = profiles.find(os.environ, Path.home())
    try:
        if any((each.folder, each.host) == (profile.folder, profile.host) for each in usual):
            remembered.forget(profile.folder)
        else:
            remembered.add(profile.folder, version)
    except OSError as error:
        _say(f"  This folder can't be remembered ({error.strerror}): name it with --profile each time.")


def _profiles(arguments: argparse.Namespace) -> list[Profile]:
    """Return the profiles to work on; raise InstallError if there are none."""
    if arguments.profile is not None:
        return [_given(arguments.profile, arguments.gimp)]
    found = profiles.find(os.environ, Path.home(), known=remembered.folders())
    wanted = profiles.read_numbers(arguments.gimp or "")
    chosen = [profile for profile in found if profile.version[: len(wanted)] == wanted]
    if chosen:
        return chosen
    name = f"--profile FOLDER names its folder ({PREFERENCES})"
    if found:
        others = ", ".join(profile.name for profile in found)
        raise InstallError(f"no GIMP {arguments.gimp} found, only {others}", f"start it once, or {name}")
    if shutil.which("gimp"):
        raise InstallError(
            "GIMP is installed, but does not have a profile folder yet", "start GIMP once, then close it"
        )
    raise InstallError("no GIMP found", f"start GIMP once, or {name}")


def _given(text: str, version: str | None) -> Profile:
    """Return the profile that --profile names; raise InstallError if it names none."""
    try:
        folder = Path(text).expanduser().absolute()
    except RuntimeError:  # ~somebody
        raise InstallError(f"there is no home folder for {text}", "give the whole path") from None
    folder = profiles.around(profiles.real(folder) if ".." in folder.parts else folder)
    if not text or not profiles.is_folder(folder):
        missing = f"there is no folder {folder}" if text else "--profile names no folder"
        raise InstallError(missing, f"start that GIMP once to create it; {PREFERENCES} shows where")
    guessed = profiles.guess(folder)
    several = profiles.inside(folder)
    if guessed is None and several:
        names = ", ".join(each.name for each in several)
        raise InstallError(
            f"{folder} holds a folder for each GIMP: {names}", f"name one: --profile {several[-1]}"
        )
    version = version or remembered.folders().get(folder)
    if guessed is None and not version:
        _say(f"{folder} does not say which GIMP it belongs to: taken for GIMP 3. Otherwise, add --gimp 2.10")
    return profiles.given(folder, version)


def _version(text: str) -> str:
    if not profiles.read_numbers(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no version of GIMP, such as 3, 3.2 or 2.10")
    return text


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
    common.add_argument(
        "--gimp",
        metavar="VERSION",
        type=_version,
        help="only this GIMP, such as 3, 3.2 or 2.10; with --profile, the GIMP that FOLDER belongs to",
    )
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
