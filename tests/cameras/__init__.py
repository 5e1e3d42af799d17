"""Cameras to test with, on 127.0.0.1: a class for each way in which one fails.

    http.py        JPEG streams and snapshots, and their faults
    rtsp.py        what no RTSP server would do: silence, nonsense, being cut off
    gstreamer.py   GStreamer's RTSP server: H.264, H.265 and MJPEG, logins, killed and started again
    onvif.py       an ONVIF camera's SOAP answers and its answer to a search

Each is a context manager with a `url`; `python -m tests.cameras NAME` runs one as a process of its own.
"""
