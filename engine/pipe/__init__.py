"""Dreaming for editors: frames in on standard input, frames out on standard output (docs/wire.md).

`serve` answers one frame after another, `live` the newest of many requests; `wire` is the format of a frame,
read without trusting the sender; `mailbox` owns the two streams of a process that must be able to stop at any
moment.

Nothing here loads Pillow unless there is a mask or a guide: the editor's user is waiting.
"""
