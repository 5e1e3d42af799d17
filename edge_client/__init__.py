"""The client beside the camera: read a source, take a few of its frames, put them into a Kinesis stream.

Its files read in flow order:

    source.py    what the user wrote -> a Source value; passwords from the environment, redacted everywhere else
    reader.py    open, grab, retrieve; media time; which library reads what
    mjpeg.py     JPEGs over HTTP, streamed or polled (jpeg_stream.py cuts them out, http_camera.py and
                 http_auth.py fetch them)
    onvif.py     ask a camera for its RTSP address; discover.py finds cameras
    sampler.py   which frames are taken: EveryNth, PerSecond, SamplingHours
    jpeg.py      pixels -> a JPEG that fits a stream record
    worker.py    the child process, one a camera: read -> sample -> encode -> envelope -> pipe
    camera.py    the parent's end of that pipe: bounded buffer, crash reports
    explain.py   what went wrong with a source -> a cause, and one sentence that says what to do
    producer.py  PutRecords: batches, partial failures, backoff
    client.py    run_edge: all of it together
    heartbeat.py what the box says of each camera once a minute
    events.py    what run_edge reports while it runs
    cli.py       framewatch-edge

From a program:

    from edge_client.client import EdgeCamera, run_edge
    from edge_client.events import FrameSent
    from edge_client.sampler import EveryNth, PerSecond

    report = run_edge(
        [EdgeCamera("front-door", "clips/one-by-one.mp4", sampling=PerSecond(1.0), pace="fast")],
        boto3.client("kinesis"),
        "frames",
        on_event=print,
        stop=threading.Event(),
    )
    report.ok, report.cameras["front-door"].sent, report.errors
"""
