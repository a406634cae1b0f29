"""Small pieces of HTML that the tabs are put together from.

All text goes through ``markupsafe``, which escapes it: names, captions and messages come from people, files and models.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

__all__ = [
    "badge",
    "empty_state",
    "explained",
    "facts",
    "frame_grid",
    "frame_link",
    "heading",
    "loading",
    "long_text",
    "no_site",
    "note",
    "page_link",
    "short_id",
    "span_of",
    "table",
    "time_of",
]


def heading(title: str, explanation: str = "") -> Markup:
    return Markup('<div class="wb-heading"><h2>{}</h2><p>{}</p></div>').format(title, explanation)


def empty_state(title: str, next_step: str) -> Markup:
    """Say that there is nothing yet, and what to do about it."""
    return Markup('<div class="wb-empty"><strong>{}</strong><span>{}</span></div>').format(title, next_step)


def no_site() -> Markup:
    return empty_state("No site yet", "Add the first one under Footage.")


def note(text: str | Markup, *, tone: str = "quiet") -> Markup:
    """Return a sentence in a tone: ``quiet``, ``good``, ``warn`` or ``bad``."""
    return Markup('<p class="wb-note wb-{}">{}</p>').format(tone, text)


def badge(text: str, tone: str = "quiet") -> Markup:
    return Markup('<span class="wb-badge wb-{}">{}</span>').format(tone, text)


def loading() -> Markup:
    """Say that the content of a tab is still to come."""
    return Markup('<p class="wb-loading">Loading …</p>')


def explained(term: str, meaning: str) -> Markup:
    """Return a term that shows its meaning under the pointer."""
    return Markup('<abbr title="{}">{}</abbr>').format(meaning, term)


def facts(values: Mapping[str, object]) -> Markup:
    """Return a row of figures, each with its name below it."""
    items = (Markup("<div><b>{}</b><span>{}</span></div>").format(value, name) for name, value in values.items())
    return Markup('<div class="wb-facts">{}</div>').format(Markup("").join(items))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numeric: Sequence[int] = ()) -> Markup:
    """Return a table that scrolls within itself on a narrow page; ``numeric`` columns are aligned to the right."""
    css = ["wb-num" if position in numeric else "" for position in range(len(columns))]
    head = _cells("th", columns, css)
    body = Markup("").join(Markup("<tr>{}</tr>").format(_cells("td", row, css)) for row in rows)
    return Markup(
        '<div class="wb-scroll" tabindex="0"><table class="wb-table"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(head, body)


def frame_grid(frames: Iterable[tuple[str, str]]) -> Markup:
    """Return the thumbnails of frames, by their ids, each with a caption below it."""
    figures = (
        Markup('<figure>{0}<figcaption title="{1}">{1}</figcaption></figure>').format(
            frame_link(frame_id, caption), caption
        )
        for frame_id, caption in frames
    )
    return Markup('<div class="wb-frames">{}</div>').format(Markup("").join(figures))


def frame_link(frame_id: object, what: object) -> Markup:
    """Return the thumbnail of a frame that shows ``what``; a click opens the frame itself."""
    return Markup(
        '<a href="/frames/{0}.jpg" target="_blank" rel="noopener">'
        '<img src="/thumbnails/{0}.jpg" loading="lazy" alt="{1}"></a>'
    ).format(frame_id, what)


def long_text(text: str) -> Markup:
    """Return ``text`` cut with an ellipsis where it does not fit; the whole shows under the pointer."""
    return Markup('<span class="wb-long" title="{0}">{0}</span>').format(text)


def page_link(url: str, text: str) -> Markup:
    return Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(url, text)


def short_id(id_: str) -> Markup:
    return Markup('<code title="{}">{}</code>').format(id_, id_[:10])


def time_of(at: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S"))


def span_of(span: timedelta) -> str:
    """Return ``span`` as 45 s, 3 min 05 s or 2 h 10 min."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def _cells(tag: str, values: Sequence[object], css: Sequence[str]) -> Markup:
    cell = Markup('<{0} class="{1}">{2}</{0}>')
    return Markup("").join(cell.format(tag, name, value) for value, name in zip(values, css, strict=True))
