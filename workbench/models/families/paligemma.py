"""PaliGemma 2: no conversation, but a prefix that is read in both directions and an answer as its suffix."""

from workbench.models.family import Family

FAMILY = Family(
    name="PaliGemma",
    model_types=("paligemma",),
    processor="PaliGemmaProcessor",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    language_model="model.language_model",
    unquantised=("lm_head", "model.vision_tower", "model.multi_modal_projector"),
    chat_template=(
        "{% for message in messages if message['role'] != 'assistant' %}{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image>{% endif %}{% endfor %}{% endfor %}"
        "{% for message in messages if message['role'] != 'assistant' %}{% for part in message['content'] %}"
        "{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
        "{% if not loop.last %}{{ ' ' }}{% endif %}{% endfor %}"
    ),
    before_answer="",
    answers_apart=True,
)
