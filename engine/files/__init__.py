"""Picture files: read with all that can be kept, written whole or not at all.

`images` is the door; `decode` and `encode` turn Pillow images into pictures and back; `formats` lists what
can be written; `attached` keeps EXIF, XMP, IPTC and the recipe right; `png`, `tiff` and `jxl` do what Pillow
leaves out; `unread` tells what was lost on the way in.  A new file format is an entry in `formats`, and a
module here where Pillow needs help.
"""
