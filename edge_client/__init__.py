"""The client beside the camera: read a source, take a few of its frames, put them into a Kinesis stream.

Its files read in flow order:

    source.py    what the user wrote -> a Source value; passwords from the environment, redacted everywhere else
    reader.py    open, grab, retrieve; media time; which library reads what
    mjpeg.py     JPEGs over HTTP, streamed or polled (jpeg_stream.py cuts them out, http_camera.py and
                 http_auth.py fetch them)
    onvif.py     ask a camera for its RTSP address; discover.py finds cameras
    sampler.py   which frames are taken: EveryNth, PerSecond, SamplingHours; clip_clock.py when those of a clip are
    jpeg.py      pixels -> a JPEG that fits a stream record
    masks.py     regions that never leave the box
    gate.py      which sampled frames are worth sending (gate_settings, gate_model, gate_blobs), and which of them
                 repeat an earlier one (near_duplicate.py)
    screen.py    a model on the box that may say of a frame that nothing watched is in it
    worker.py    the child process, one a camera: read -> sample -> mask -> gate -> encode -> envelope -> pipe
    camera.py    the parent's end of that pipe: messages to events, crash reports
    explain.py   what went wrong with a source -> a cause, and one sentence that says what to do
    buffer.py    where records wait for the stream: in memory; spool.py: on disk (shelves, segment, folder_lock)
    producer.py  PutRecords: batches, partial failures, backoff, the backlog's pace
    client.py    run_edge: all of it together, for as long as the sources last
    events.py    what is reported while cameras run

The unattended service is built from the same parts:

    config.py        the edge file; config_watch.py reads it again when it changes, control.py from S3
    control_watch.py what the box is told between two edge files: to sample less often
    lifecycle.py     one camera's life, a state machine: what happened in, what to do out
    supervisor.py    the cameras' processes, one state machine each
    ledger.py        where every frame went: sampled == sent + gated + dropped + failed + waiting
    uplink.py        the thread between spool and stream
    heartbeat.py     what the box says of each camera once a minute
    status.py        /healthz, /metrics and /state.json on 127.0.0.1
    service.py       all of it together, until it is told to stop
    check.py         open each camera as the service would, and show what it shows
    cli.py           framewatch-edge

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
