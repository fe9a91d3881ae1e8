"""The channels that have a picture and a name, as docs/atlas.md lists them.

Not to be edited: `python docs/make_atlas.py gimp` writes it anew from docs/atlas.md, and a test holds the two
together.
"""

from __future__ import annotations

from deepdream_common.texts import N_

TILE, COLUMNS = 96, 10
"""Side of each picture in pictures/channels.jpg, in pixels, and how many stand in a row of it."""

GROUPS = (
    (
        N_("Faces and animals"),
        (
            ("mixed4", 439, N_("faces of dogs")),
            ("mixed4", 492, N_("a puppy's face")),
            ("mixed4", 572, N_("a snout")),
            ("mixed5", 288, N_("a head with a mane")),
            ("mixed5", 191, N_("a mask with feelers")),
            ("mixed5", 136, N_("faces with goggles")),
            ("mixed4", 655, N_("a head with a crest")),
            ("mixed4", 4, N_("snakes")),
            ("mixed5", 587, N_("arms of an octopus")),
            ("mixed4", 57, N_("jellyfish")),
        ),
    ),
    (
        N_("Eyes"),
        (
            ("mixed4", 55, N_("large eyes in fur")),
            ("mixed4", 114, N_("single eyes")),
            ("mixed4", 128, N_("round eyes, in pairs")),
            ("mixed4", 668, N_("eyes in rings")),
            ("mixed4", 723, N_("shining eyes")),
        ),
    ),
    (
        N_("Feathers, fur, scales"),
        (
            ("mixed4", 110, N_("ribbed feathers")),
            ("mixed5", 304, N_("a wing")),
            ("mixed5", 267, N_("tufts of feathers")),
            ("mixed5", 359, N_("fans of feathers")),
            ("mixed5", 283, N_("hanging feathers")),
            ("mixed5", 56, N_("brown fur")),
            ("mixed4", 47, N_("ribbed shells")),
            ("mixed5", 102, N_("shaggy hair")),
            ("mixed4", 727, N_("honeycombs")),
            ("mixed5", 723, N_("beads")),
        ),
    ),
    (
        N_("Flowers and plants"),
        (
            ("mixed4", 191, N_("roses")),
            ("mixed5", 178, N_("rolled petals")),
            ("mixed4", 93, N_("poppies")),
            ("mixed4", 172, N_("marigolds")),
            ("mixed4", 131, N_("white blossom")),
            ("mixed4", 53, N_("small flower heads")),
            ("mixed5", 754, N_("scattered flowers")),
            ("mixed4", 60, N_("a thistle")),
            ("mixed5", 162, N_("berries in a shell")),
            ("mixed5", 149, N_("bright fruit")),
        ),
    ),
    (
        N_("Buildings"),
        (
            ("mixed4", 164, N_("tents")),
            ("mixed5", 152, N_("gables")),
            ("mixed5", 186, N_("roofs")),
            ("mixed5", 172, N_("domes")),
            ("mixed4", 728, N_("arches over arches")),
            ("mixed4", 657, N_("framed windows")),
            ("mixed4", 639, N_("roof trusses")),
            ("mixed4", 325, N_("a dome with bars")),
            ("mixed5", 296, N_("an arch of ribs")),
            ("mixed4", 351, N_("a spire")),
        ),
    ),
    (
        N_("Things"),
        (
            ("mixed4", 377, N_("a boot")),
            ("mixed4", 363, N_("a chest")),
            ("mixed4", 102, N_("bowls")),
            ("mixed4", 253, N_("plates")),
            ("mixed4", 18, N_("eggs")),
            ("mixed4", 750, N_("balls")),
            ("mixed5", 55, N_("globes of glass")),
            ("mixed5", 131, N_("shining pots")),
            ("mixed4", 107, N_("stacked jars")),
            ("mixed5", 13, N_("a knotted rope")),
        ),
    ),
    (
        N_("Patterns"),
        (
            ("mixed4", 648, N_("curtains")),
            ("mixed5", 655, N_("woven folds")),
            ("mixed4", 612, N_("webs")),
            ("mixed4", 42, N_("a golden net")),
            ("mixed5", 705, N_("foam")),
        ),
    ),
)
"""Titles of groups, each with its channels: layer, number, what is seen.  The pictures have this order."""
