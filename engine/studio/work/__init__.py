"""What the studio's processes do: read, dream, show, write, film.

`__main__` takes jobs from standard input, one line of JSON each, and answers with lines of JSON on standard
output.  Each job is a generator of events; the modules beside it have one kind each.
"""
