"""Hostile inputs without end: generators, one module each, and what may come of an input.

`python -m tests.fuzz --minutes 10 --seed 1` tries them and prints counts by outcome; `test_fuzz.py` tries a
few, the same each time.  An input is known by subject, seed and number, which make the same bytes everywhere:

- `case.py`: an input, as a command line with files and standard input;
- `mutate.py`: damage to bytes and texts, of any kind of file;
- `pictures.py`, `attached.py`, `recipes.py`, `presets.py`, `models.py`, `wire.py`, `signals.py`:
  subjects, each with `make(random)`;
- `verdict.py`: which outcomes are allowed; `known.py`: which faults wait to be mended;
- `worker.py`: a process that tries inputs, with little memory; `crew.py` starts it and
  notices crashes and hangs.
"""

SUBJECTS = ("pictures", "attached", "recipes", "presets", "models", "wire", "signals")
