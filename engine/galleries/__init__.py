"""Sheets to choose from: what each layer, or each channel, makes of one picture.

`gallery` dreams the cells and puts the sheet together; `ranking` finds the channels that a picture excites;
`sheet` lays pictures out on a page; `thumbnails` makes the small copies; `looks` holds the gallery's own
settings, light enough for `--help`.
"""
