from local_cloud.vision_server.stats import Stats


def test_percentiles_are_by_nearest_rank():
    stats = Stats()
    for value in range(1, 101):
        stats.add_ms("vision", float(value))
    assert stats.snapshot()["vision_ms"] == {"count": 100, "p50": 50.0, "p95": 95.0}


def test_nothing_measured_is_null_not_nought():
    assert Stats().snapshot() == {
        "requests": 0,
        "errors": {},
        "vision_ms": {"count": 0, "p50": None, "p95": None},
        "request_ms": {"count": 0, "p50": None, "p95": None},
    }


def test_only_the_latest_times_are_kept():
    stats = Stats()
    for _ in range(5000):
        stats.add_ms("request", 1000.0)
    for _ in range(2048):
        stats.add_ms("request", 1.0)
    assert stats.snapshot()["request_ms"] == {"count": 2048, "p50": 1.0, "p95": 1.0}


def test_errors_are_counted_by_code_without_bound_on_requests_but_on_codes():
    stats = Stats()
    for number in range(1000):
        stats.count(f"Code{number}")
    stats.count()
    stats.count("Code0")
    snapshot = stats.snapshot()
    assert snapshot["requests"] == 1002
    assert len(snapshot["errors"]) == 65
    assert snapshot["errors"]["Code0"] == 2
    assert snapshot["errors"]["other"] == 936
