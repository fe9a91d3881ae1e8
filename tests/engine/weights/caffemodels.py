"""Writes `.caffemodel` files, by the protocol buffer library and the fields of Caffe's own caffe.proto."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

KINDS = descriptor_pb2.FieldDescriptorProto

FIELDS = {
    "BlobShape": {"dim": (1, "int64", "packed")},
    "BlobProto": {
        "num": (1, "int32", ""),
        "channels": (2, "int32", ""),
        "height": (3, "int32", ""),
        "width": (4, "int32", ""),
        "data": (5, "float", "packed"),
        "diff": (6, "float", "packed"),
        "shape": (7, "BlobShape", ""),
        "double_data": (8, "double", "packed"),
    },
    "V1LayerParameter": {
        "bottom": (2, "string", "repeated"),
        "top": (3, "string", "repeated"),
        "name": (4, "string", ""),
        "type": (5, "int32", ""),
        "blobs": (6, "BlobProto", "repeated"),
        "blobs_lr": (7, "float", "repeated"),
    },
    "LayerParameter": {
        "name": (1, "string", ""),
        "type": (2, "string", ""),
        "bottom": (3, "string", "repeated"),
        "top": (4, "string", "repeated"),
        "blobs": (7, "BlobProto", "repeated"),
    },
    "NetParameter": {
        "name": (1, "string", ""),
        "layers": (2, "V1LayerParameter", "repeated"),
        "input": (3, "string", "repeated"),
        "layer": (100, "LayerParameter", "repeated"),
    },
}

CONVOLUTION = 4
"""A convolution's `type` in the old kind of layers."""


@cache
def net() -> Any:
    """Return the class of the message that a file is."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for message, fields in FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind, how) in fields.items():
            field = declared.field.add(name=name, number=number)
            field.label = KINDS.LABEL_REPEATED if how else KINDS.LABEL_OPTIONAL
            field.options.packed = how == "packed"
            if kind in FIELDS:
                field.type, field.type_name = KINDS.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                field.type = getattr(KINDS, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def caffemodel(layers: Mapping[str, tuple[np.ndarray, ...]], *, old: bool = True) -> bytes:
    """Return a file's content.

    `layers` are kernel [h, w, in, out] and bias [out] of each convolution, or nothing for a layer without
    weights; `old` writes the kind of 2014, whose shapes have four numbers.
    """
    model = net()(name="GoogleNet", input=["data"])
    for name, arrays in layers.items():
        if old:
            layer = model.layers.add(name=name, top=[name], type=CONVOLUTION, blobs_lr=[1, 2])
        else:
            layer = model.layer.add(name=name, top=[name], type="Convolution")
        for array in arrays:
            values = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
            blob = layer.blobs.add(data=values.ravel())
            if old:
                four = (1, 1, 1, *values.shape)[-4:]
                blob.num, blob.channels, blob.height, blob.width = four
            else:
                blob.shape.dim.extend(values.shape)
    content: bytes = model.SerializeToString()
    return content
