"""A small camera: an RTSP server on loopback, run by Debian's own Python because GStreamer's bindings live there.

    /usr/bin/python3 tests/rtsp_pipeline.py PORT [--login USER PASSWORD] [--certificate PEM]

``/live`` (H.264, a keyframe a second) shows one grey that changes ten times a second, so that pictures can be told
apart; ``/rare`` the same with a keyframe every four seconds; ``/ball`` a ball that moves in the left half of a dark
view; ``/sound`` has no video. With a user and password nothing is shown without them, and with a certificate and its
key, too, nothing in the clear. It prints ``ready`` when it listens.
"""

import argparse
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtspServer  # noqa: E402

_GREY = (
    "( videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=180,framerate=10/1"
    " ! videobalance name=light"
)
_BALL = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=180,framerate=10/1 ! videobox right=-160"
)
_AS_H264 = (
    " ! videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={} ! rtph264pay name=pay0 pt=96 )"
)
_PIPELINES = {
    "/live": _GREY + _AS_H264.format(10),
    "/rare": _GREY + _AS_H264.format(40),
    "/ball": _BALL + _AS_H264.format(10),
    "/sound": "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )",
}
_DARKEST = -0.8
_STEPS = 200


def change_grey(_: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
    light = media.get_element().get_by_name("light")
    gone: list[bool] = []

    def change() -> bool:
        light.set_property("brightness", _DARKEST * (int(time.monotonic() * 10) % _STEPS) / _STEPS)
        return not gone

    if light is not None:
        media.connect("unprepared", lambda _: gone.append(True))
        change()
        GLib.timeout_add(100, change)


def lock(server: GstRtspServer.RTSPServer, user: str, password: str, certificate: str | None) -> None:
    auth = GstRtspServer.RTSPAuth()
    if certificate:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "watcher")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)


def serve(port: str, login: list[str] | None, certificate: str | None) -> None:
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    if login:
        lock(server, *login, certificate)
    permissions = Gst.Structure.from_string("watcher, media.factory.access=true, media.factory.construct=true")[0]
    for path, pipeline in _PIPELINES.items():
        factory = GstRtspServer.RTSPMediaFactory(launch=pipeline, shared=True)
        factory.connect("media-configure", change_grey)
        if login:
            factory.add_role_from_structure(permissions)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--login", nargs=2)
    parser.add_argument("--certificate")
    Gst.init(None)
    serve(**vars(parser.parse_args()))
