"""Dreaming for editors: frames in on standard input, frames out on standard output (docs/wire.md).

`serve` answers frame after frame; `wire` is the format of a frame, read without trusting the other side;
`mailbox` owns the two streams of a process that must stop at any moment.

Nothing here loads Pillow unless a mask or a guide is asked for: an editor's user is waiting.
"""
