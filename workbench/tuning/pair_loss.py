"""Contrastive losses of images and texts that know what is no mistake: equal captions, and frames that show the same.

Symmetric InfoNCE as in CLIP (Radford et al. 2021, arXiv:2103.00020, figure 3) and the sigmoid loss of SigLIP (Zhai et
al. 2023, arXiv:2303.15343, equation 1), both with a weight for each pair that is no match. A weight of 0 takes a pair
out of the loss, 1 counts it as the papers do.
"""

import torch
from torch.nn import functional

__all__ = ["clip_loss", "negative_weights", "siglip_loss"]


def clip_loss(logits: torch.Tensor, matches: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean of both directions' cross-entropies; all arguments are ``[images, texts]``.

    Several matches of one image or text share its target. An image or text that has none takes no part as a question.
    """
    weighted = logits + torch.where(matches, 1.0, weights).log()
    return (_direction(weighted, matches) + _direction(weighted.T, matches.T)) / 2


def siglip_loss(logits: torch.Tensor, matches: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the sum over all pairs by image; ``logits`` hold the bias, and all arguments are ``[images, texts]``."""
    signs = torch.where(matches, 1.0, -1.0)
    losses = -functional.logsigmoid(signs * logits) * torch.where(matches, 1.0, weights)
    return losses.sum() / len(logits)


def negative_weights(
    matches: torch.Tensor, alike: torch.Tensor, same_class: torch.Tensor, *, same_class_negatives: float
) -> torch.Tensor:
    """Return ``[images, texts]``: how much the text counts as wrong for the image, where it does not match.

    ``alike`` and ``same_class`` are bool ``[images, images]``. Not at all where the text is the caption of a frame that
    is ``alike``, and ``same_class_negatives`` where it is that of a frame of the same class.
    """
    of_class = _touches(same_class, matches)
    weights = torch.where(of_class, same_class_negatives, 1.0)
    return weights.masked_fill(_touches(alike, matches), 0.0)


def _touches(between: torch.Tensor, matches: torch.Tensor) -> torch.Tensor:
    """Return ``[images, texts]``: whether the text is the caption of an image to which this one is related."""
    return (between.float() @ matches.float()) > 0


def _direction(logits: torch.Tensor, matches: torch.Tensor) -> torch.Tensor:
    """Return the mean over the rows of the cross-entropy against targets that a row's matches share."""
    asked = matches.any(dim=1)
    logits, matches = logits[asked], matches[asked]
    targets = matches.float() / matches.sum(dim=1, keepdim=True)
    likelihoods = logits.log_softmax(dim=1).masked_fill(~matches, 0.0)  # what has no weight has a likelihood of log 0
    return -(targets * likelihoods).sum(dim=1).mean()
