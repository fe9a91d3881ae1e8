"""A stand-in for Python-Fu's module of that name."""


class RGB(object):
    """A colour."""

    def __init__(self, r=0.0, g=0.0, b=0.0, a=1.0):
        self.r, self.g, self.b, self.a = r, g, b, a
