"""Many pictures in one order: `deepdream dream FOLDER`.

`finding` looks for the pictures, `naming` names their results, and `planning` decides which file goes where;
`again` knows the results that are there already.  `jobs` performs one job, whose `events` tell what happens;
`shares` says how the processors are shared among several pictures, and `crew` does them; `tally` counts what
becomes of them, and `growth` keeps the steps of their dreams, as pictures or as a film.

`sharing` leaves to other processes what they are at work on, which `claims` know.  `arrivals` are the
pictures that come into a folder that is watched, of which `ears` hear.

What does not live here: how one picture is dreamed (`engine.library`), and what is printed (`engine.cli`).
"""
