"""Picture files: read with everything that can be kept, written whole or not at all.

`images` is what other folders use.  In: `opening` has the list of what is read, `limits` asks how large it
is, `decode` turns Pillow images into pictures (`samples` their numbers), `unread` reports what Pillow
dropped, and `telling` what failed, with `quiet`.  Out: `formats` lists what can be written, `fitting` finds
out what of a picture that can hold, `encode` and `encoders` write it.  Both ways: `attached` corrects EXIF,
XMP and IPTC and holds the recipe; `png`, `tiff` and `jxl` do what Pillow leaves out.  A new file format is
an entry in `formats`, and a module here if Pillow needs help.
"""
