"""What a batch does to visits and who is texted, over in-memory fakes."""

from framewatch.domain.alerts import DeliveryState
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, StorageUnavailable, WriteConflict
from framewatch.domain.visits import AlertState
from framewatch.services.send_alerts import continue_alert
from framewatch.services.tally import Tally
from tests.batches import ANA, BO, person, record, run
from tests.fakes import LINK_BASE_URL, World, make_site
from tests.frames import CAR, PERSON

WATCH = {"labels": ["Person"], "min_confidence": 80, "notify": ["ana"]}


def test_one_visit_is_one_text_however_many_frames_and_batches() -> None:
    world = World()
    for batch in range(4):
        run(world, *[record(world, n, PERSON) for n in range(batch * 5, batch * 5 + 5)])
    assert [phone for phone, _ in world.texts.sent] == [ANA]
    (visit,) = world.visits.of("front", "Person")
    assert (visit.frame_count, visit.alerts["watch"].state) == (20, AlertState.SENT)


def test_a_finished_alert_is_left_alone_by_a_redelivery() -> None:
    world = World()
    r = record(world, 0, PERSON)
    run(world, r)
    before = dict(world.visits.visits)
    assert run(world, r).failed_record_ids == ()
    assert world.visits.visits == before
    assert world.meter.counts["AlertsSent"] == 1


def test_the_next_visit_is_the_next_text() -> None:
    world = World(make_site(watch=WATCH | {"cool_down_s": 0}))
    run(world, record(world, 0, PERSON), record(world, 1, PERSON, at=31.0), record(world, 2, PERSON, at=10.0))
    run(world, record(world, 3, PERSON, at=61.5))
    assert len(world.visits.of("front", "Person")) == 2
    assert len(world.texts.sent) == 2


def test_the_text_names_the_first_confident_frame() -> None:
    world = World()
    run(world, record(world, 0, person(60)), record(world, 1, person(85.5)), record(world, 2, person(99)))
    assert [text for _, text in world.texts.sent] == [
        f"Framewatch: Person 85% at Front door, 14 Mar 13:00 (CET). Shop {LINK_BASE_URL}/a/token000000000000001"
    ]
    assert world.visits.of("front", "Person")[0].best.confidence == 99


def test_a_doubtful_presence_keeps_a_visit_open_and_texts_nobody() -> None:
    world = World()
    run(world, *[record(world, n, person(60), at=n * 20.0) for n in range(4)])
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [4]
    assert world.texts.sent == []
    run(world, record(world, 4, person(95), at=80.0))
    assert len(world.texts.sent) == 1


def test_cameras_and_labels_have_visits_of_their_own() -> None:
    watch = {"labels": ["Human", "Vehicle"], "min_confidence": 80, "notify": ["ana"], "cool_down_s": 0}
    world = World(make_site(watch=watch, alerts={"incident_window_s": 0}))
    run(world, record(world, 0, PERSON, CAR), record(world, 1, PERSON, camera_id="yard"))
    assert {(v.camera_id, v.label) for v in world.visits.visits.values()} == {
        ("front", "Human"),
        ("front", "Vehicle"),
        ("yard", "Human"),
    }
    assert len(world.texts.sent) == 3


def test_a_backlog_of_hours_in_one_batch_is_counted_whole() -> None:
    world = World(make_site(limits={"per_contact_and_hour": 200, "per_day": 1000}))
    run(world, *[record(world, n, PERSON, at=n * 60.0) for n in range(150)])
    assert len(world.visits.of("front", "Person")) == 150
    run(world, *[record(world, 1000 + n, PERSON, at=n * 60.0 + 30) for n in range(149)])
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [299]
    assert len(world.texts.sent) == 150


def test_every_contact_is_texted_and_delivery_noted() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    run(world, record(world, 0, PERSON))
    assert [phone for phone, _ in world.texts.sent] == [ANA, BO]
    (alert,) = world.alerts.alerts.values()
    assert {c: d.state for c, d in alert.deliveries.items()} == {"ana": DeliveryState.SENT, "bo": DeliveryState.SENT}


def test_a_watch_that_notifies_nobody_still_keeps_its_alert() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80}))
    assert run(world, record(world, 0, PERSON)).failed_record_ids == ()
    (alert,) = world.alerts.alerts.values()
    assert (alert.state, alert.contact_ids) == (AlertState.SENT, ())


def test_a_rejected_number_does_not_keep_the_text_from_the_others() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    world.texts.errors[ANA] = [NotificationRejected("opted out")]
    assert run(world, record(world, 0, PERSON)).failed_record_ids == ()
    assert [phone for phone, _ in world.texts.sent] == [BO]
    (alert,) = world.alerts.alerts.values()
    assert (alert.state, alert.deliveries["ana"].state) == (AlertState.SENT, DeliveryState.REJECTED)


def test_an_alert_that_reaches_nobody_is_failed_and_not_tried_again() -> None:
    world = World()
    world.texts.errors[ANA] = [NotificationRejected("opted out")]
    r = record(world, 0, PERSON)
    assert run(world, r).failed_record_ids == ()
    assert run(world, r, record(world, 1, PERSON)).failed_record_ids == ()
    assert world.texts.sent == []
    assert world.visits.of("front", "Person")[0].alerts["watch"].state is AlertState.FAILED


def test_a_text_service_that_is_down_holds_up_no_frame_and_only_whom_it_missed_is_tried_again() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    world.texts.errors[ANA] = [NotificationUnavailable("throttled")]
    records = [record(world, n, PERSON) for n in range(3)]
    assert run(world, *records).failed_record_ids == ()
    assert [phone for phone, _ in world.texts.sent] == [BO]
    ((work,), _) = world.alerts.open_work()
    world.clock.advance(60)
    continue_alert(work, world.config, world.sending(), Tally())
    assert [phone for phone, _ in world.texts.sent] == [BO, ANA]  # only whom the first try missed
    assert world.alerts.open_work() == ([], [])
    assert run(world, *records).failed_record_ids == ()
    assert len(world.texts.sent) == 2


def test_a_redelivery_within_the_minute_finishes_what_was_begun() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    world.texts.errors[ANA] = [NotificationUnavailable("throttled")]
    r = record(world, 0, PERSON)
    run(world, r)
    assert run(world, r).failed_record_ids == ()
    assert [phone for phone, _ in world.texts.sent] == [BO, ANA]
    assert world.alerts.open_work() == ([], [])


def test_a_text_that_waits_is_counted_apart_from_one_that_is_refused() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    world.texts.errors[ANA] = [NotificationUnavailable("throttled")]
    world.texts.errors[BO] = [NotificationRejected("opted out")]
    run(world, record(world, 0, PERSON))
    told = {name: n for name, n in world.meter.counts.items() if name.startswith(("Text", "Alerts"))}
    assert told == {"TextErrors": 1, "TextsRejected": 1, "AlertsLeftToWatchdog": 1}


def test_a_contact_that_left_the_site_file_does_not_hold_up_the_alert() -> None:
    world = World(make_site(watch={"labels": ["Person"], "min_confidence": 80, "notify": ["ana", "bo"]}))
    world.texts.errors[ANA] = [NotificationUnavailable("throttled")]
    r = record(world, 0, PERSON)
    run(world, r)
    config = make_site(contacts=[{"id": "bo", "phone": BO}], watch={"labels": ["Person"], "notify": ["bo"]})
    world.site.config = config
    assert run(world, r).failed_record_ids == ()
    (alert,) = world.alerts.alerts.values()
    assert alert.deliveries["ana"].state is DeliveryState.REJECTED
    assert alert.state is AlertState.SENT


def test_a_table_that_fails_for_one_label_costs_the_frames_of_that_label_alone() -> None:
    watch = {"labels": ["Person", "Car"], "min_confidence": 80, "notify": ["ana"], "cool_down_s": 0}
    world = World(make_site(watch=watch, alerts={"incident_window_s": 0}), workers=1)
    world.faults.on("visits near", StorageUnavailable("down"))  # the first label of the batch
    people, cars = record(world, 0, PERSON), record(world, 1, CAR)
    assert run(world, people, cars).failed_record_ids == (people.record_id,)
    assert len(world.texts.sent) == 1
    assert run(world, people, cars).failed_record_ids == ()
    assert len(world.texts.sent) == 2
    assert len(world.vision.calls) == 2


def test_a_conflict_is_read_and_decided_anew() -> None:
    world = World()
    world.faults.on("visits apply", WriteConflict("somebody"), WriteConflict("somebody"))
    outcome = run(world, *[record(world, n, PERSON) for n in range(3)])
    assert outcome.failed_record_ids == ()
    assert outcome.counts["VisitConflicts"] == 2
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [3]
    assert len(world.texts.sent) == 1


def test_conflicts_without_end_send_the_frames_round_again() -> None:
    world = World()
    world.faults.on("visits apply", *[WriteConflict("somebody")] * 100)
    records = [record(world, n, PERSON) for n in range(2)]
    assert run(world, *records).failed_record_ids == tuple(r.record_id for r in records)
    world.faults.clear()
    assert run(world, *records).failed_record_ids == ()
    assert len(world.texts.sent) == 1


def test_the_latency_from_capture_to_store_and_to_alert_is_measured() -> None:
    world = World()
    world.clock.advance(2.5)
    run(world, record(world, 0, PERSON))
    assert world.meter.times_ms == [("CaptureToStoredMs", 2500.0), ("CaptureToAlertMs", 2500.0)]
