"""Frames' images: for the holder of a signed URL, for the signed-in, and for nobody else."""

import io
from datetime import UTC, datetime, timedelta

import av
import httpx
import pytest

from tests.ui.conftest import SITE, App, SignIn
from workbench.domain import ClipPart
from workbench.labeling.media import signed_clip_url, signed_media_url


def _signed(app: App, frame_id: str, *, valid_s: int = 600) -> str:
    key = app.settings.media_key.get_secret_value()
    return signed_media_url(app.url, frame_id, key, datetime.now(UTC) + timedelta(seconds=valid_s))


@pytest.fixture
def frame_id(app: App) -> str:
    return app.workspace.store.footage.frames(SITE)[0].id


def test_a_signed_url_gives_the_image_without_a_session(app: App, frame_id: str, nobody: httpx.Client) -> None:
    answer = nobody.get(_signed(app, frame_id), headers={"Origin": app.settings.labelstudio_url})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == app.workspace.frame_files.read(frame_id)
    assert answer.headers["access-control-allow-origin"] == app.settings.labelstudio_url
    assert "max-age=" in answer.headers["cache-control"]


def test_an_expired_url_is_refused(app: App, frame_id: str, nobody: httpx.Client) -> None:
    answer = nobody.get(_signed(app, frame_id, valid_s=-1))
    assert answer.status_code == 403
    assert "expired" in answer.text


def test_a_signature_is_good_for_its_own_frame_and_time_alone(app: App, frame_id: str, nobody: httpx.Client) -> None:
    url = httpx.URL(_signed(app, frame_id))
    later = url.copy_set_param("expires", str(int(url.params["expires"]) + 1))
    other = app.workspace.store.footage.frames(SITE)[1].id
    assert nobody.get(later).status_code == 403
    assert nobody.get(str(url).replace(frame_id, other)).status_code == 403


def test_a_signed_url_of_a_frame_that_is_gone_is_not_found(app: App, nobody: httpx.Client) -> None:
    assert nobody.get(_signed(app, "0" * 64)).status_code == 404


def test_the_apps_own_images_need_a_session(app: App, frame_id: str, nobody: httpx.Client, sign_in: SignIn) -> None:
    path = f"/frames/{frame_id}.jpg"
    assert nobody.get(path).status_code == 401
    assert sign_in("lin").get(path).content == app.workspace.frame_files.read(frame_id)


def test_a_path_cannot_climb_out_of_the_frames(sign_in: SignIn) -> None:
    assert sign_in("ada").get("/frames/..%2F..%2Flocal.env.jpg").status_code in (404, 422)


def test_a_signed_url_gives_a_video_of_the_stored_stills_whole_or_in_part(app: App, nobody: httpx.Client) -> None:
    frames = app.workspace.store.footage.frames(SITE)
    part = ClipPart(SITE, frames[0].clip_id, tuple(frame.offset_s for frame in frames))
    app.workspace.store.clip_parts.add([part])
    key = app.settings.media_key.get_secret_value()
    url = signed_clip_url(app.url, part.id, key, datetime.now(UTC) + timedelta(seconds=600))
    whole = nobody.get(url)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(whole.content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(frames)
    some = nobody.get(url, headers={"Range": "bytes=10-19"})
    assert (some.status_code, some.content) == (206, whole.content[10:20])
    assert some.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert nobody.get(url, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert nobody.get(url.replace(part.id, "0" * 64)).status_code == 403
    of_an_image = _signed(app, part.id).replace(f"/media/{part.id}.jpg", f"/media/clips/{part.id}.mp4")
    assert nobody.get(of_an_image).status_code == 403
    gone = signed_clip_url(app.url, "0" * 64, key, datetime.now(UTC) + timedelta(seconds=600))
    assert nobody.get(gone).status_code == 404
