"""Picture files: read with everything that can be kept, written whole or not at all.

`images` is what other folders use; `decode` and `encode` turn Pillow images into pictures and back; `formats`
lists what can be written; `attached` corrects EXIF, XMP and IPTC and holds the recipe; `png`, `tiff` and
`jxl` do what Pillow leaves out; `unread` reports what Pillow dropped on the way in.  A new file format is an
entry in `formats`, and a module here if Pillow needs help.
"""
