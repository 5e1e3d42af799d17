"""How each camera is said to be, while boxes speak, fall silent and come back, and the watchdog makes its rounds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.silence import ShardHealth
from framewatch.domain.site import Camera
from framewatch.services.fetch_health import fetch_health
from framewatch.services.list_cameras import CameraDeps, list_cameras
from framewatch.wire.api_cameras import CameraStatusView, CamerasView, HealthView
from framewatch.wire.heartbeat_items import StoredHeartbeat
from tests.fakes import FakeBudget, make_site
from tests.frames import NOON, make_heartbeat
from tests.tables import EXPIRES
from tests.watch_fakes import WatchWorld, frame_of

CAMERAS = [Camera(id="front", name="Front door", group="doors"), Camera(id="yard"), Camera(id="attic")]
TTL = timedelta(seconds=900)


class Links:
    def put(self, key: str, jpeg: bytes) -> None: ...

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"https://images.test/{key}?for={expires_in.total_seconds():g}"


def world_of(**sections: Any) -> WatchWorld:
    return WatchWorld(make_site(**({"cameras": CAMERAS} | sections)))


def health(world: WatchWorld) -> HealthView:
    return fetch_health(
        CameraDeps(world.site, world.heartbeats, world.troubles, world.pages, Links(), world.clock, TTL, FakeBudget())
    )


def look(world: WatchWorld, executor: Any = None, budget: FakeBudget | None = None) -> CamerasView:
    return list_cameras(
        CameraDeps(
            world.site,
            world.heartbeats,
            world.troubles,
            world.pages,
            Links(),
            world.clock,
            TTL,
            budget or FakeBudget(),
            executor,
        )
    )


def states(world: WatchWorld) -> dict[str, str]:
    return {camera.camera_id: str(camera.state) for camera in look(world).cameras}


def front(world: WatchWorld) -> CameraStatusView:
    return look(world).cameras[0]


def test_a_camera_is_shown_with_all_that_its_box_said_last_and_its_newest_frame() -> None:
    world = world_of()
    world.clock.advance(60)
    now = world.clock.now()
    beat = make_heartbeat(7, at=now - timedelta(seconds=20), slowed_by=4)
    world.heartbeats.put(StoredHeartbeat.of(beat, now - timedelta(seconds=19)), EXPIRES)
    frame = frame_of("front", now - timedelta(seconds=5), captured_at=now - timedelta(seconds=8))
    world.pages.frames = [frame_of("front", NOON - timedelta(days=40)), frame, frame_of("yard", NOON)]
    view = look(world)
    shown = view.cameras[0].model_dump(mode="json")
    newest = shown.pop("newest_frame")
    assert shown == {
        "camera_id": "front",
        "name": "Front door",
        "group": "doors",
        "state": "online",
        "since": None,
        "why": None,
        "budget": None,
        "heartbeat": {
            "box": "shop-1",
            "at": "2026-03-14T12:00:41.000000Z",
            "age_s": 19.0,
            "version": "0.1.0",
            "counts": {
                "read": 1500,
                "sampled": 60,
                "sent": 5,
                "gated": {"no_motion": 53},
                "dropped": 1,
                "failed": 0,
            },
            "spool": {"records": 1, "bytes": 90_000, "oldest_age_s": 0.5},
            "slowed_by": 4,
        },
    }
    assert newest["frame_id"] == frame.frame_id and newest["age_s"] == 8.0
    assert (newest["width"], newest["height"], newest["labels"]) == (frame.width, frame.height, [])
    assert newest["image_url"] == f"https://images.test/{frame.image_key}?for=900"
    assert newest["image_url_expires_at"] == "2026-03-14T12:16:00.000000Z"
    assert [c.camera_id for c in view.cameras] == ["front", "yard", "attic"] and view.troubles == ()


def test_a_page_costs_two_small_queries_a_camera_side_by_side_or_not() -> None:
    world = world_of()
    world.pages.frames = [frame_of("front", NOON), frame_of("yard", NOON)]
    with ThreadPoolExecutor(3) as executor:
        assert look(world, executor) == look(world)
    # Of a camera without frames the one that asks for a day.
    assert world.pages.queries == 2 * (2 + 2 + 1)


def test_a_camera_of_which_nothing_was_ever_heard_is_unknown() -> None:
    world = world_of()
    assert front(world).state == "unknown" and front(world).newest_frame is None


def test_what_a_box_says_of_a_camera_stands_with_since_when_and_why() -> None:
    world = world_of()
    world.live("shop-1", "front", "yard", "attic")
    world.tick(3)
    world.live("shop-1", "front", state=CameraState.STALLED)
    world.tick(2)
    began = front(world).since
    world.tick(6)
    shown = front(world)
    assert (shown.state, shown.since) == ("stalled", began) and began is not None
    assert began == NOON + timedelta(minutes=4)
    world.live("shop-1", "front")
    world.tick()
    assert (front(world).state, front(world).since) == ("online", None)


def test_the_last_error_says_why() -> None:
    world = world_of()
    beat = make_heartbeat(1, state=CameraState.AUTH_FAILED, last_error="front: the camera refuses the password.")
    world.heartbeats.put(StoredHeartbeat.of(beat, world.clock.now()), EXPIRES)
    assert (front(world).state, front(world).why) == ("auth-failed", "front: the camera refuses the password.")


def test_a_silent_camera_is_silent_before_the_watchdog_says_so_and_since_it_was_last_heard() -> None:
    world = world_of(watchdog={"enabled": False})
    world.live("shop-1", "front", "yard", "attic")
    world.tick(3)
    world.die("front")
    world.tick(3)
    assert states(world) == {"front": "online", "yard": "online", "attic": "online"}
    world.clock.advance(1)
    assert states(world)["front"] == "silent"
    assert front(world).since == NOON + timedelta(minutes=3)


def test_a_camera_may_be_silent_for_as_long_as_its_own_grace() -> None:
    world = world_of(cameras=[Camera(id="front", silence_grace_s=3600)], watchdog={"enabled": False})
    world.live("shop-1", "front")
    world.tick()
    world.die("front")
    world.clock.advance(3600)
    assert front(world).state == "online"
    world.clock.advance(1)
    assert front(world).state == "silent"


def test_cameras_of_a_silent_box_say_that_it_is_the_box() -> None:
    world = world_of()
    world.live("shop-1", "front", "yard")
    world.live("shop-2", "attic")
    world.tick(5)
    world.die("front", "yard")
    world.tick(4)
    assert states(world) == {"front": "silent", "yard": "silent", "attic": "online"}
    assert (front(world).why, front(world).since) == ("its box shop-1 is silent", NOON + timedelta(minutes=5))


def test_when_nothing_is_processed_every_camera_says_so() -> None:
    world = world_of()
    world.live("shop-1", "front")
    world.live("shop-2", "yard", "attic")
    world.tick(5)
    world.die("front", "yard", "attic")
    world.tick(5)
    view = look(world)
    assert {str(c.state) for c in view.cameras} == {"silent"}
    assert {c.why for c in view.cameras} == {"nothing at all is processed"}
    assert [(str(t.kind), t.since) for t in view.troubles] == [("processing", NOON + timedelta(minutes=5))]


def test_of_a_stream_that_lags_the_page_is_told_and_no_camera_is_blamed() -> None:
    world = world_of()
    world.live("shop-1", "front", "yard", "attic")
    world.tick(2)
    world.alive.clear()
    for _ in range(5):
        world.clock.advance(60)
        world.health.put(ShardHealth("shard-0", world.clock.now(), 600.0), EXPIRES)
        world.look()
    assert [str(t.kind) for t in look(world).troubles] == ["stream"]
    assert front(world).why == "frames come late, and what it says may wait with them"


def test_health_is_ok_while_nothing_is_wrong_and_else_names_what_is() -> None:
    world = world_of()
    assert health(world).status == "ok", "cameras of which nothing was heard yet"
    world.live("shop-1", "front", "yard")
    world.live("shop-1", "attic", state=CameraState.DISABLED)
    world.tick(3)
    assert (health(world).status, health(world).troubles) == ("ok", ())
    world.die("front")
    world.tick(4)
    view = health(world).model_dump(mode="json")
    assert (view["status"], view["at"]) == ("troubled", "2026-03-14T12:07:00.000000Z")
    assert view["troubles"] == [
        {
            "kind": "camera",
            "camera_id": "front",
            "camera_name": "Front door",
            "state": "silent",
            "since": "2026-03-14T12:03:00.000000Z",
            "why": None,
        }
    ]


def test_health_names_first_what_concerns_the_whole_site() -> None:
    world = world_of()
    world.live("shop-1", "front")
    world.live("shop-2", "yard")
    world.tick(5)
    world.die("front", "yard")
    world.tick(5)
    assert [(str(t.kind), t.camera_id) for t in health(world).troubles] == [
        ("processing", None),
        ("camera", "front"),
        ("camera", "yard"),
    ]


@pytest.mark.parametrize("state", [CameraState.DISABLED, CameraState.ENDED])
def test_a_camera_that_nobody_watches_is_never_silent(state: CameraState) -> None:
    world = world_of()
    world.live("shop-1", "front", state=state)
    world.tick()
    world.die("front")
    world.tick(60)
    assert front(world).state == state


def test_a_camera_without_heartbeats_is_known_by_its_frames() -> None:
    world = world_of(watchdog={"enabled": False})
    world.pages.frames = [frame_of("front", world.clock.now())]
    assert (front(world).state, front(world).heartbeat) == ("online", None)
    world.clock.advance(181)
    assert (front(world).state, front(world).since) == ("silent", NOON)


def test_of_a_camera_that_has_moved_to_another_box_the_newest_counts() -> None:
    world = world_of()
    for box, at in (("z-old", NOON), ("a-new", NOON + timedelta(seconds=30))):
        world.heartbeats.put(StoredHeartbeat.of(make_heartbeat(1, box=box, at=at), at), EXPIRES)
    world.clock.advance(60)
    assert front(world).heartbeat is not None and front(world).heartbeat.box == "a-new"


def test_what_a_camera_gives_up_for_the_budget_is_told_until_its_time_is_over() -> None:
    world = world_of()
    now = world.clock.now()
    step = CameraStep(BudgetStep.SLOWER, BudgetCause.SITE_DAY, now, now + timedelta(hours=2))
    budget = FakeBudget(BudgetState({"yard": step}))
    front, yard, _ = look(world, budget=budget).cameras
    assert front.budget is None
    assert yard.budget is not None
    assert (yard.budget.step, yard.budget.cause, yard.budget.until) == ("slower", "site-day", step.until)
    world.clock.advance(2 * 3600)
    assert look(world, budget=budget).cameras[1].budget is None
