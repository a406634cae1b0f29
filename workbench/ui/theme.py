"""How the app looks: the system's own fonts, one accent colour, good contrast in light and in dark."""

from pathlib import Path

import gradio as gr
from gradio.themes import Color
from gradio.themes.utils.fonts import Font

__all__ = ["STYLE_SHEET", "site_theme"]

STYLE_SHEET = Path(__file__).with_name("style.css")

_TEAL = Color(
    name="workbench-teal",
    c50="#effcf9",
    c100="#ccf5ee",
    c200="#99ebde",
    c300="#5eead4",
    c400="#2dd4bf",
    c500="#14a898",
    c600="#0f766e",
    c700="#0b5e58",
    c800="#0c4a46",
    c900="#0d3d3a",
    c950="#062725",
)
_SLATE = Color(
    name="workbench-slate",
    c50="#f7f9fa",
    c100="#eef2f4",
    c200="#dde3e8",
    c300="#c5ced6",
    c400="#93a1ae",
    c500="#667685",
    c600="#4a5967",
    c700="#33414d",
    c800="#202b34",
    c900="#182027",
    c950="#10161b",
)


def site_theme() -> gr.themes.Base:
    """Return the theme; nothing of it is fetched from elsewhere (Gradio's own default asks Google for fonts)."""
    theme = gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_SLATE,
        radius_size=gr.themes.sizes.radius_md,
        font=[Font("system-ui"), Font("Segoe UI"), Font("Roboto"), Font("Helvetica Neue"), Font("sans-serif")],
        font_mono=[Font("ui-monospace"), Font("Consolas"), Font("DejaVu Sans Mono"), Font("monospace")],
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="#17212b",
        body_text_color_dark="#e6ebef",
        body_text_color_subdued="#566573",
        body_text_color_subdued_dark="#9dabb8",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="#2c3842",
        border_color_accent="*primary_600",
        border_color_accent_dark="*primary_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_label_text_color="*body_text_color",
        block_title_text_color="*body_text_color",
        block_title_text_weight="600",
        block_title_text_size="*text_sm",
        block_info_text_color="*body_text_color_subdued",
        block_padding="8px 0",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_300",
        input_border_color_dark="#3a4854",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_400",
        button_primary_background_fill_hover_dark="*primary_300",
        button_primary_text_color_dark="#06201d",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_border_color="*neutral_300",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color_dark="#3a4854",
        button_border_width="1px",
        button_border_width_dark="1px",
        button_transform_hover="none",
        button_large_text_weight="600",
        button_medium_text_weight="600",
        color_accent="*primary_600",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_950",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
