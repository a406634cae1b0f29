"""Giving the dual encoder the trained VLM's eyes, so that it has only to learn how images and captions meet."""

import torch
from transformers import CLIPModel, Idefics3ForConditionalGeneration, PretrainedConfig

from workbench.errors import ModelError


def adopt_vision_tower(clip: CLIPModel, vlm: Idefics3ForConditionalGeneration) -> None:
    """Copy the VLM's vision tower into ``clip``; ModelError when the two towers differ in shape.

    CLIP's tower has a class token more and a bias less at the patches, and normalises what it embeds: the bias goes
    into the positions, and the normalisation starts as near to doing nothing as it can.
    """
    theirs, ours = vlm.model.vision_model, clip.vision_model
    if _sizes(theirs.config) != _sizes(ours.config):
        raise ModelError(
            expected=f"a dual encoder with the VLM's vision tower: {_sizes(theirs.config)}",
            found=str(_sizes(ours.config)),
            remedy="give ClipShape the vision sizes of VlmShape",
        )
    with torch.no_grad():
        patches, places = theirs.embeddings.patch_embedding, theirs.embeddings.position_embedding.weight
        ours.embeddings.patch_embedding.weight.copy_(patches.weight)
        ours.embeddings.position_embedding.weight[1:].copy_(places + patches.bias)
        ours.pre_layrnorm.weight.fill_(float((places + patches.bias).std()))
        ours.encoder.load_state_dict(theirs.encoder.state_dict())
        ours.post_layernorm.load_state_dict(theirs.post_layernorm.state_dict())


def _sizes(config: PretrainedConfig) -> dict[str, int]:
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size")
    return {name: getattr(config, name) for name in names}
