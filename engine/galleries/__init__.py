"""Galleries: sheets that show what each layer, or each channel of a layer, makes of one picture.

`gallery` plans the cells and puts the sheet together; `cells` dreams them; `ranking` finds the channels that
a picture excites; `sheet` lays pictures out on a page; `thumbnails` makes small copies; `looks` holds the
gallery's own settings, apart from the rest so that `--help` stays fast.
"""
