"""One contract for frames' files, on a local disk and on a real S3-compatible server."""

import hashlib
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from fsspec.core import url_to_fs
from PIL import Image, ImageDraw

from tests.services import free_port
from tests.store.object_server import ACCESS_KEY, SECRET_KEY, breaking_line
from workbench.errors import StorageError
from workbench.settings import Settings
from workbench.store import FOLDERS, FrameFiles
from workbench.workflows.workspace import Workspace

WRITERS = 50


@dataclass(frozen=True)
class Place:
    """Where files lie, seen from behind the workbench's back; ``failing`` lets no write get beyond 20 kB."""

    address: str
    failing: Callable[[], AbstractContextManager[None]]

    def names(self) -> set[str]:
        files, root = url_to_fs(self.address, use_listings_cache=False)
        return {name.rpartition("/")[2] for name in files.find(root)}

    def overwrite(self, name: str, content: bytes) -> None:
        files, root = url_to_fs(self.address, use_listings_cache=False)
        (path,) = (found for found in files.find(root) if found.endswith(name))
        files.pipe_file(path, content)


@contextmanager
def small_files_only() -> Iterator[None]:
    """Let the kernel refuse files beyond 20 kB half-way, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "frames"), small_files_only)


@pytest.fixture
def s3(s3_url: str, object_server_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    @contextmanager
    def line_breaks() -> Iterator[None]:
        with breaking_line(object_server_url, after_bytes=20_000) as url, monkeypatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", url)
            patched.setenv("AWS_MAX_ATTEMPTS", "1")
            yield

    return Place(s3_url, line_breaks)


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def files(place: Place) -> FrameFiles:
    return FrameFiles.open(place.address)


def picture(seed: int = 0, size_wh: tuple[int, int] = (640, 360)) -> bytes:
    image = Image.new("RGB", size_wh, (seed % 256, 90, 160))
    ImageDraw.Draw(image).ellipse((10, 10, 200, 150), fill=(250, seed % 256, 10))
    buffer = BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def decoded(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg)).convert("RGB")


def test_same_bytes_have_one_id_and_are_kept_once(place: Place, files: FrameFiles) -> None:
    frame_id = files.write(picture())
    assert frame_id == files.write(picture()) == hashlib.sha256(picture()).hexdigest()
    assert files.read(frame_id) == picture()
    assert place.names() == {f"{frame_id}.jpg"}
    assert FrameFiles.open(place.address).read(frame_id) == picture()


def test_a_picture_that_is_gone_is_one_sentence(files: FrameFiles) -> None:
    with pytest.raises(StorageError, match=r"^Expected the picture of frame 0{12} in .*; ingest its clip again\.$"):
        files.read("0" * 64)


def test_a_changed_picture_is_noticed_and_mended_by_writing_it_again(place: Place, files: FrameFiles) -> None:
    frame_id = files.write(picture())
    place.overwrite(frame_id + ".jpg", picture()[:-1] + b"x")
    with pytest.raises(StorageError, match="found other bytes"):
        files.read(frame_id)
    files.write(picture())
    assert files.read(frame_id) == picture()


def test_a_write_that_fails_half_way_leaves_nothing(place: Place, files: FrameFiles) -> None:
    kept = files.write(picture())
    with place.failing(), pytest.raises(StorageError, match=f"to write .* in {place.address}, but found"):
        FrameFiles.open(place.address).write(picture() + bytes(200_000))
    assert place.names() == {f"{kept}.jpg"}


def test_what_was_deleted_is_gone_with_its_thumbnail_and_deleting_again_is_fine(
    place: Place, files: FrameFiles
) -> None:
    frame_id = files.write(picture())
    files.thumbnail(frame_id)
    assert len(place.names()) == 2
    for _ in range(2):
        files.delete(frame_id)
        assert place.names() == set()
    with pytest.raises(StorageError, match="found none"):
        files.thumbnail(frame_id)


def test_fifty_writers_of_one_picture_leave_one(place: Place, files: FrameFiles) -> None:
    ids = at_once(lambda _: files.write(picture()))
    assert len(set(ids)) == 1
    assert place.names() == {f"{ids[0]}.jpg"}
    assert files.read(ids[0]) == picture()


def test_fifty_writers_of_different_pictures_leave_them_all(place: Place, files: FrameFiles) -> None:
    ids = at_once(lambda number: files.write(picture(number)))
    assert place.names() == {f"{frame_id}.jpg" for frame_id in ids}
    assert [files.read(frame_id) for frame_id in ids] == [picture(number) for number in range(WRITERS)]


def at_once(write: Callable[[int], str]) -> list[str]:
    together = threading.Barrier(WRITERS)

    def wait_and_write(number: int) -> str:
        together.wait()
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(wait_and_write, range(WRITERS)))


def test_thumbnail_shows_the_stored_picture_small_and_is_made_once(place: Place, files: FrameFiles) -> None:
    frame_id = files.write(picture())
    first = files.thumbnail(frame_id)
    small = decoded(first)
    assert small.size == (320, 180)
    for at, there in (((55, 40), (110, 80)), ((300, 170), (600, 340))):
        expected = decoded(picture()).getpixel(there)
        assert small.getpixel(at) == pytest.approx(expected, abs=12)
    place.overwrite(f"{frame_id}.320px.jpg", picture(7, (32, 18)))
    assert files.thumbnail(frame_id) == picture(7, (32, 18))


def test_a_lost_thumbnail_is_made_again(place: Place, files: FrameFiles) -> None:
    frame_id = files.write(picture())
    first = files.thumbnail(frame_id)
    storage, root = url_to_fs(place.address, use_listings_cache=False)
    storage.rm_file(f"{root}/{frame_id[:2]}/{frame_id}.320px.jpg")
    assert files.thumbnail(frame_id) == first


def test_bytes_that_are_no_picture_have_no_thumbnail(place: Place, files: FrameFiles) -> None:
    for content in (b"no picture", picture()[:500]):
        frame_id = files.write(content)
        with pytest.raises(StorageError, match="a stored picture that can be decoded"):
            files.thumbnail(frame_id)
    assert not any("320px" in name for name in place.names())


def test_thumbnail_of_a_picture_deleted_meanwhile_does_not_stay(
    place: Place, files: FrameFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame_id = files.write(picture())
    read = FrameFiles.read

    def read_as_somebody_deletes(self: FrameFiles, which: str) -> bytes:
        jpeg = read(self, which)
        self.delete(which)
        return jpeg

    monkeypatch.setattr(FrameFiles, "read", read_as_somebody_deletes)
    files.thumbnail(frame_id)
    assert place.names() == set()


def test_thumbnail_is_upright_carries_no_metadata_and_never_grows(disk: Place) -> None:
    files = FrameFiles.open(disk.address)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "the gate of plant 7"
    buffer = BytesIO()
    decoded(picture(size_wh=(200, 100))).save(buffer, "JPEG", exif=exif, comment=b"secret remark")
    thumbnail = files.thumbnail(files.write(buffer.getvalue()))
    assert decoded(thumbnail).size == (100, 200)
    assert b"plant 7" not in thumbnail
    assert b"secret" not in thumbnail
    assert decoded(files.thumbnail(files.write(picture(size_wh=(64, 36))))).size == (64, 36)


def test_a_folder_in_the_place_of_a_picture_leaves_no_temporary_file(tmp_path: Path) -> None:
    frame_id = hashlib.sha256(picture()).hexdigest()
    blocked = tmp_path / "frames" / frame_id[:2] / f"{frame_id}.jpg"
    blocked.mkdir(parents=True)
    with pytest.raises(StorageError, match="Is a directory"):
        FrameFiles.open(str(tmp_path / "frames")).write(picture())
    assert list(blocked.parent.iterdir()) == [blocked]


def test_full_disk_is_one_sentence() -> None:
    with pytest.raises(StorageError, match="free some space"):
        FrameFiles.open("/dev/full/frames").write(picture())


def test_settings_say_where_frames_lie(tmp_path: Path, s3: Place) -> None:
    for frames_url, where in (
        ("", tmp_path / "data" / "frames"),
        ("stills", tmp_path / "stills"),
        (f"file://{tmp_path}/with%20blank", tmp_path / "with blank"),
    ):
        workspace = Workspace.open(Settings.load(home=tmp_path, frames_url=frames_url))
        workspace.frame_files.write(picture())
        assert len(list(where.rglob("*.jpg"))) == 1
        workspace.store.close()
    workspace = Workspace.open(Settings.load(home=tmp_path, frames_url=s3.address))
    frame_id = workspace.frame_files.write(picture())
    assert s3.names() == {f"{frame_id}.jpg"}
    workspace.store.close()


@pytest.mark.parametrize("address", ["s3://AKIA77:se/cret+key@bucket/frames", "sftp://rita:secret+key@host/frames"])
def test_a_password_in_the_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(StorageError, match="an address of frames without a password") as refused:
        FrameFiles.open(address)
    assert "cret" not in str(refused.value).replace("AWS_SECRET_ACCESS_KEY", "")
    assert "AKIA77" not in str(refused.value)


def test_an_address_that_nothing_opens_says_what_to_install() -> None:
    with pytest.raises(StorageError, match=r"opens tape://bucket/frames, .*site-workbench\[s3\]"):
        FrameFiles.open("tape://bucket/frames")


@pytest.mark.parametrize("verb", ["read", "write", "delete"])
def test_an_object_store_that_is_away_is_one_sentence_without_credentials(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://rita:{SECRET_KEY}@127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    files = FrameFiles.open(s3_url)
    call = {
        "read": lambda: files.read("0" * 64),
        "write": lambda: files.write(b"x"),
        "delete": lambda: files.delete("0"),
    }
    with pytest.raises(StorageError, match=f"in {s3_url}, but found .*; check the address, the keys") as refused:
        call[verb]()
    assert "secret" not in str(refused.value)
    assert "rita" not in str(refused.value)


def test_a_store_that_answers_with_an_error_says_which(s3: Place, object_server_url: str) -> None:
    """The server knows the key but not a secret for it: what it answers names the mistake, not the credentials."""
    httpx.post(f"{object_server_url}/moto-api/reset-auth", content=b"0").raise_for_status()
    try:
        with pytest.raises(StorageError, match="but found access denied") as refused:
            FrameFiles.open(s3.address).write(picture())
    finally:
        httpx.post(f"{object_server_url}/moto-api/reset-auth", content=b"inf").raise_for_status()
    assert ACCESS_KEY not in str(refused.value)
    assert SECRET_KEY not in str(refused.value)


def test_a_missing_bucket_is_one_sentence(s3_url: str) -> None:
    with pytest.raises(StorageError, match="no such bucket or folder; check the address"):
        FrameFiles.open("s3://bucket-that-nobody-made/frames").write(picture())


def test_a_folder_is_swept_of_what_a_crash_left_and_of_nothing_else(place: Place, files: FrameFiles) -> None:
    frame_id = files.write(picture())
    store, root = url_to_fs(place.address, use_listings_cache=False)
    store.pipe_file(f"{root}/{frame_id[:2]}/.new-half", b"half a picture")

    assert sum(files.sweep(folder) for folder in FOLDERS) == 1

    assert place.names() == {f"{frame_id}.jpg"}
