"""The same network, loss and gradient in plain PyTorch: what the engine is measured against.

The network is the export's table with the weights of the embedded model, batch norm folded into the
convolutions; the gradient comes from `torch.autograd`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from keras_deep_dream import LAYERS, WEIGHTS
from torch import nn

from export import sources
from export.architecture import AveragePool, Conv, MaxPool, Parallel, inception_v3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from export.architecture import Chain, Node
    from export.weights import ConvWeights

BORDER = 2
"""Positions that the loss leaves out at each border."""


class Concatenated(nn.Sequential):  # type: ignore[misc]  # PyTorch may not be installed where types are checked
    """Chains that read the same input; their outputs stand one behind the other in the channels."""

    def forward(self, x: Any) -> Any:
        """Compute all chains."""
        return torch.cat([chain(x) for chain in self], dim=1)


def build_network(device: str = "cpu", dtype: Any = torch.float32) -> Any:
    """Return InceptionV3 up to its last dreaming layer, a ModuleDict of `stem`, `mixed0` and so on."""
    architecture = inception_v3().until(list(LAYERS)[-1])
    convolutions = iter(sources.npz_weights(Path(WEIGHTS)).fit(architecture).convolutions)
    chains = (("stem", architecture.stem), *architecture.blocks)
    # Batch norm is folded in float64, so that a network in float64 has nothing rounded.
    network = nn.ModuleDict({name: _chain(chain, convolutions) for name, chain in chains})
    return network.requires_grad_(False).to(device, dtype, memory_format=torch.channels_last)


def _chain(chain: Chain, convolutions: Iterator[ConvWeights]) -> Any:
    return nn.Sequential(*(_module(node, convolutions) for node in chain))


def _module(node: Node, convolutions: Iterator[ConvWeights]) -> Any:
    match node:
        case Conv():
            return nn.Sequential(_convolution(node, next(convolutions)), nn.ReLU(inplace=True))
        case MaxPool():
            return nn.MaxPool2d(3, 2)
        case AveragePool():
            return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)
        case Parallel(chains):
            return Concatenated(*(_chain(chain, convolutions) for chain in chains))


def _convolution(node: Conv, stored: ConvWeights) -> Any:
    padding = [side // 2 if node.padding == "SAME" else 0 for side in node.size]
    kernel = torch.from_numpy((stored.values * stored.factor).transpose(3, 2, 0, 1).copy())
    convolution = nn.Conv2d(
        kernel.shape[1], node.filters, node.size, node.stride, padding, dtype=kernel.dtype
    )
    with torch.no_grad():
        convolution.weight.copy_(kernel)
        convolution.bias.copy_(torch.from_numpy(stored.bias))
    return convolution


def loss_of(network: Any, image: Any) -> Any:
    """Return the tutorial's loss of a picture [1, 3, H, W]."""
    loss = 0.0
    x = image
    for name, block in network.items():
        x = block(x)
        if name in LAYERS:
            inner = x[:, :, BORDER:-BORDER, BORDER:-BORDER]
            # The squares of half precision's numbers need not be half precision's numbers.
            inner = inner.to(torch.promote_types(x.dtype, torch.float32))
            loss = loss + LAYERS[name] * inner.square().sum() / x.numel()
    return loss


def make_gradient(network: Any, *, compiled: bool = False) -> Callable[[Any], tuple[Any, Any]]:
    """Return a function from a picture [1, H, W, 3], a tensor, to its loss and its raw gradient."""
    compute = torch.compile(loss_of, dynamic=False) if compiled else loss_of
    dtype = next(network.parameters()).dtype

    def evaluate(image: Any) -> tuple[Any, Any]:
        picture = image.permute(0, 3, 1, 2).to(dtype).requires_grad_()
        loss = compute(network, picture)
        # Half precision has no numbers as small as the gradient of a mean over a whole layer.
        scale = loss.new_tensor(picture[0, 0].numel() if dtype == torch.float16 else 1)
        (gradient,) = torch.autograd.grad(loss, picture, grad_outputs=scale)
        return loss.detach(), gradient.to(loss.dtype).div_(scale).permute(0, 2, 3, 1)

    return evaluate
