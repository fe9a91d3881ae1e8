"""`python -m tests.fuzz`: try hostile inputs, print counts by outcome, and keep those that show a fault.

python -m tests.fuzz --minutes 10 --seed 1                    all subjects
python -m tests.fuzz --minutes 2 --seed 7 pictures recipes    some
python -m tests.fuzz --seed 7 --number 123 recipes            one input once more
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.fuzz import SUBJECTS
from tests.fuzz.crew import tried
from tests.fuzz.verdict import Verdict
from tests.fuzz.worker import lay, make


def main() -> int:
    """Return 1 if any input shows a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Try hostile inputs.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all")
    parser.add_argument("--minutes", type=float, default=1.0, help="for how long, all subjects together (1)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs (1)")
    parser.add_argument("--number", type=int, help="this input alone")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="folder for offending inputs (build/fuzz)"
    )
    arguments = parser.parse_args()
    subjects = arguments.subjects or list(SUBJECTS)
    counts: dict[str, Counter[str]] = {x: Counter() for x in subjects}
    faults = 0
    for subject, seed, number, verdict in tried(_orders(subjects, arguments)):
        counts[subject][verdict.outcome + (" !" if verdict.fault else "")] += 1
        if verdict.fault or arguments.number is not None:
            faults += verdict.fault
            print(f"{subject} {number}: {verdict.outcome}: {verdict.detail.strip()[-300:]}", flush=True)
        if verdict.fault:
            _keep(arguments.keep / f"{subject}-{seed}-{number}", (subject, seed, number), verdict)
    for subject, outcomes in counts.items():
        print(f"\n{subject}: {outcomes.total()} inputs")
        for outcome, number in outcomes.most_common():
            print(f"  {number:7}  {outcome}")
    print(f"\nseed {arguments.seed}: {faults} faults" + (f", kept in {arguments.keep}" if faults else ""))
    return 1 if faults else 0


def _orders(subjects: list[str], arguments: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Yield inputs until time is up, each subject getting its share of it."""
    if arguments.number is not None:
        yield from ((x, arguments.seed, arguments.number) for x in subjects)
        return
    for subject in subjects:
        end = time.monotonic() + 60 * arguments.minutes / len(subjects)
        for number in count():
            if time.monotonic() > end:
                break
            yield subject, arguments.seed, number


def _keep(folder: Path, order: tuple[str, int, int], verdict: Verdict) -> None:
    """Write an input's files, the command that reads them, and what came of it."""
    case = make(*order)
    folder.mkdir(parents=True, exist_ok=True)
    lay(case, folder)
    if case.stdin:
        (folder / "stdin").write_bytes(case.stdin)
    command = shlex.join(["python", "-m", "engine", *case.words]) + (" < stdin" if case.stdin else "")
    signal = f"\nsignal {case.signal[0]} after {case.signal[1]} s" if case.signal else ""
    text = f"{case.what}\n{command}{signal}\n\n{verdict.outcome}\n{verdict.detail}\n"
    (folder / "what.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
