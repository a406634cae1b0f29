"""The loss of a batch of frames: each among the captions of all, and among the classes of the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn import functional

from workbench.models.dual_encoder import DualEncoder
from workbench.search_recipe import SearchRecipe
from workbench.tuning.collator import Batch
from workbench.tuning.pair_loss import clip_loss, negative_weights, siglip_loss
from workbench.tuning.pairs import PairLabels

__all__ = ["PairObjective", "learns"]

Tokens = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class PairObjective:
    """The loss of frames that a batch names by their ``row`` in ``labels``.

    ``seen_by_base`` ``[frames, width]`` are their embeddings before tuning. What a text tower that learns nothing says
    of captions and classes is computed once.
    """

    encoder: DualEncoder
    recipe: SearchRecipe
    labels: PairLabels
    class_names: Sequence[str]
    seen_by_base: torch.Tensor
    _said: dict[str, Tokens | torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = {
            "captions": self.encoder.tokens(self.labels.captions),
            "prompts": self.encoder.tokens(self.encoder.prompts(self.class_names)),
        }
        if learns(self.encoder, "text_model"):
            self._said.update(texts)
            return
        with torch.no_grad():
            self._said.update({name: self.encoder.pool_texts(dict(tokens)).float() for name, tokens in texts.items()})

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the weighted mean of what the recipe's tasks ask, in nats; ``batch`` is what ``collate_pairs`` made.

        ``picture`` has pixels ``[frames, 3, height, width]``, or what the image tower said ``[frames, tower width]``.
        """
        tasks, rows = self.recipe.data.tasks, batch["row"].cpu()
        images = self.images(batch["picture"])
        found = images.new_zeros(())
        if tasks.caption:
            found = found + tasks.caption * self._among_captions(images, rows)
        if tasks.class_choice:
            found = found + tasks.class_choice * self._among_classes(images, rows)
        return found / (tasks.caption + tasks.class_choice)

    def images(self, picture: torch.Tensor) -> torch.Tensor:
        pooled = self.encoder.pool_images(picture) if picture.ndim == 4 else picture
        return _unit(self.encoder.project_images(pooled))

    def alike(self, rows: torch.Tensor) -> torch.Tensor:
        """Return bool ``[rows, rows]``: frames of one clip and class that looked the same to the base."""
        seen, clips, classes = (of[rows] for of in (self.seen_by_base, self.labels.clips, self.labels.class_of))
        is_near = 1 - seen @ seen.T < self.recipe.loss.same_view_distance
        return is_near & (clips[:, None] == clips[None, :]) & (classes[:, None] == classes[None, :])

    def _among_captions(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Tell the frames' captions apart; those that are not wrong for each other are left out of it."""
        captions, place = torch.unique(self.labels.caption_of[rows], return_inverse=True)
        classes = self.labels.class_of[rows]
        same_class = classes[:, None] == classes[None, :]
        matches = place[:, None] == torch.arange(len(captions))[None, :]
        weights = negative_weights(
            matches,
            self.alike(rows),
            same_class,
            same_class_negatives=self.recipe.loss.same_class_negatives,
        )
        logits = self._logits(images, _unit(self._projected("captions", captions)))
        if self.recipe.loss.kind == "siglip":
            return siglip_loss(logits, matches.to(logits.device), weights.to(logits.device))
        return clip_loss(logits, matches.to(logits.device), weights.to(logits.device))

    def _among_classes(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Tell the frames' classes; a class is the mean of its prompts, as it is in production."""
        prompts = _unit(self._projected("prompts", torch.arange(len(self._prompts))))
        classes = _unit(prompts.view(len(self.class_names), -1, prompts.shape[1]).mean(dim=1))
        truth = self.labels.class_of[rows].to(images.device)
        logits = self._logits(images, classes)
        if self.recipe.loss.kind == "siglip":
            matches = functional.one_hot(truth, len(self.class_names)).bool()
            return siglip_loss(logits, matches, torch.ones_like(logits))
        return functional.cross_entropy(logits, truth)

    @property
    def _prompts(self) -> list[str]:
        return self.encoder.prompts(self.class_names)

    def _projected(self, name: str, rows: torch.Tensor) -> torch.Tensor:
        """Return where the texts of ``name`` with the numbers ``rows`` lie in the common space."""
        said = self._said[name]
        if isinstance(said, torch.Tensor):
            return self.encoder.project_texts(said[rows.to(said.device)])
        chosen = {key: value[rows.to(value.device)] for key, value in said.items()}
        return self.encoder.project_texts(self.encoder.pool_texts(chosen))

    def _logits(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return float32 ``[images, texts]``; the bias is left out where pairs are compared, which it does not move."""
        core = self.encoder.core
        with torch.autocast(images.device.type, enabled=False):  # 16 bits cannot tell similarities near 1 apart
            logits: torch.Tensor = images @ texts.T * core.logit_scale.float().exp()
            if self.recipe.loss.kind == "siglip":
                logits = logits + core.logit_bias.float()
            return logits


def learns(encoder: DualEncoder, module: str) -> bool:
    """Tell whether any weight of the model's ``module`` is trained."""
    return any(weight.requires_grad for weight in encoder.core.get_submodule(module).parameters())


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return functional.normalize(vectors.float(), dim=-1)
