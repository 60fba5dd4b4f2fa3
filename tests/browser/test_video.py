"""A video of the reader's, or the camera, on the page "Try it"."""

import base64
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
import video_network
from live_page import PAGE, demo_opener, forecast, listed, of_side, ticks, wait_for_ticks

import nextframe
from nextframe import metrics
from nextframe._utils import ffmpeg
from nextframe.benchmark.tasks import read_real_clip
from nextframe.forecasting import predict_next
from nextframe.video.contest import window_errors
from nextframe.windows import sliding_windows, to_unit

DEMO = "#video"
LISTED = listed("video")
SIDES = [int(side) for side in LISTED["sides"]]
READ = """async ([video, every, side, count, first]) => {
    const { openVideo } = await import(new URL("../live/videoSources.js", location.href));
    const bytes = Uint8Array.from(atob(video), (letter) => letter.charCodeAt(0));
    const source = await openVideo(new File([bytes], "known.mp4", { type: "video/mp4" }), "known.mp4", first);
    const frames = [];
    while (frames.length < count) {
        const { frame, follows, number } = await source.next(every, side);
        frames.push([number, follows, Array.from(frame)]);
    }
    source.close();
    return frames;
}"""

# A busy machine's "seeked": it comes before the frame can be drawn
HASTY = """() => {
    const { prototype } = HTMLMediaElement;
    const time = Object.getOwnPropertyDescriptor(prototype, "currentTime");
    Object.defineProperty(prototype, "currentTime", {
        ...time,
        set(seconds) {
            time.set.call(this, seconds);
            this.dispatchEvent(new Event("seeked"));
        },
    });
}"""

CLOSED = """async (video) => {
    const { openVideo } = await import(new URL("../live/videoSources.js", location.href));
    const bytes = Uint8Array.from(atob(video), (letter) => letter.charCodeAt(0));
    const source = await openVideo(new File([bytes], "known.mp4", { type: "video/mp4" }), "known.mp4");
    await source.next(1, 64);
    const sought = source.next(5, 64);
    source.close();
    return sought.then(() => "it came", (error) => error.message);
}"""


@pytest.fixture(scope="module")
def known():
    """A clip whose frames are known, `(20, 128, 192)`: a soft light that goes round, and a bar that tells the time."""
    rows, columns = np.mgrid[:128, :192]
    turns = np.arange(20) / 20 * 2 * np.pi
    far = [(rows - 64 - 40 * np.sin(turn)) ** 2 + (columns - 96 - 40 * np.cos(turn)) ** 2 for turn in turns]
    clip = 40 + 200 * np.exp(-np.array(far) / 400)
    for number, frame in enumerate(clip):
        frame[:8, 32 : 38 + 6 * number] = 220
    return np.rint(clip).astype(np.uint8)


@pytest.fixture(scope="module")
def video(known):
    return ffmpeg.encode(known, 12.5)


def wait_for_message(page, text):
    page.locator(f"{DEMO} [data-part=message]").filter(has_text=text).wait_for(timeout=60_000)


open_demo = demo_opener(DEMO, lambda page: wait_for_message(page, "Now playing: the bottle."))


def skills(page):
    """Each row's skill; that of copying comes first."""
    texts = page.locator(f"{DEMO} .live-row p").all_inner_texts()
    return [float(text.split(";")[0].removeprefix("skill ")) for text in texts]


def pictures(page):
    return page.locator(DEMO).evaluate("root => [...root.querySelectorAll('canvas')].map(c => c.toDataURL()).join()")


@pytest.mark.parametrize("side", SIDES)
def test_forecasts_are_those_of_keras(side, open_page):
    page = open_page(PAGE)
    contexts = to_unit(sliding_windows(read_real_clip("bunny", side)[20:26], LISTED["frames"])[0])
    expected = metrics.clip_to_unit(predict_next(video_network.load(side), contexts))
    for context, there in zip(contexts, expected, strict=True):
        assert np.abs(forecast(page, of_side(side), context) - there.ravel()).max() < 1e-3


def test_it_errs_hardly_more_than_the_network_with_flow_on_the_clip_that_neither_saw():
    clip = read_real_clip(video_network.CLIP, 64)
    with_flow = nextframe.load("flow_unet", without=video_network.CLIP)
    ours, theirs = (window_errors(model, [clip]).mean() for model in (video_network.load(), with_flow))
    assert ours < 1.1 * theirs


@pytest.mark.parametrize(("every", "side", "hasty"), [(1, 64, False), (3, 128, False), (3, 128, True)])
def test_a_file_is_read_frame_by_frame(every, side, hasty, open_page, known, video):
    page = open_page(PAGE)
    if hasty:
        page.evaluate(HASTY)
    read = page.evaluate(READ, [base64.b64encode(video).decode(), every, side, 22])
    numbers = [number for number, _, _ in read]
    once = list(range(0, len(known), every))
    assert numbers == (once * 4)[:22]
    assert [follows for _, follows, _ in read] == [number > 0 for number in numbers]
    middle = known[:, :, 32:-32]
    block = 128 // side
    expected = middle.reshape(len(known), side, block, side, block).mean(axis=(2, 4))
    frames = np.array([frame for _, _, frame in read]).reshape(-1, side, side)
    assert np.abs(255 * frames - expected[numbers]).max() < 12  # the codec's own, at the edges of the bar
    assert np.abs(255 * frames - expected[numbers]).mean() < 1.5


def test_a_recording_that_does_not_say_how_long_it_is_ends_where_it_ends(open_page):
    """As a program writes it that does not know yet when it will end; of noise, since a small one is read at once."""
    noise = np.random.default_rng(0).integers(256, size=(400, 64, 64), dtype=np.uint8)
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-r", "25", "-i", "-"]
    to = ["-c:v", "libvpx", "-b:v", "6M", "-deadline", "realtime", "-live", "1", "-f", "webm", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *size, *to]
    recorded = subprocess.run(command, input=noise.tobytes(), capture_output=True, check=True).stdout
    read = open_page(PAGE).evaluate(READ, [base64.b64encode(recorded).decode(), 1, 64, 8, 395])
    numbers = [number for number, _, _ in read]
    assert numbers[:4] == [395, 396, 397, 398]
    assert numbers[4:6] in ([399, 0], [0, 1])  # how long the last frame lasts may be left out


def test_nobody_waits_for_a_frame_of_a_video_that_was_closed(open_page, video):
    page = open_page(PAGE)
    assert page.evaluate(CLOSED, base64.b64encode(video).decode()) == "known.mp4 was closed."


def test_forecasts_of_a_file_are_those_of_keras_on_its_frames(open_page, video):
    page = open_page(PAGE)
    read = page.evaluate(READ, [base64.b64encode(video).decode(), 1, 64, 8])
    context = np.array([frame for _, _, frame in read[-4:]], "float32").reshape(1, 4, 64, 64, 1)
    expected = metrics.clip_to_unit(predict_next(video_network.load(), context))
    assert np.abs(forecast(page, of_side(64), context) - expected.ravel()).max() < 1e-3


def test_the_network_beats_what_learns_nothing(open_demo):
    page = open_demo()
    wait_for_ticks(page, 70, DEMO)
    copying, half, network = skills(page)
    assert copying == 0
    assert network > half > 0
    assert page.problems == []


def test_nothing_is_loaded_before_it_is_asked_for(open_page):
    page = open_page(PAGE)
    loaded = "performance.getEntriesByType('resource').map(entry => entry.name)"
    assert not [url for url in page.evaluate(loaded) if "onnx" in url or "bottle" in url]
    page.click(f"{DEMO} [data-part=start]")
    wait_for_message(page, "Now playing")
    names = [url.split("/models/")[1] for url in page.evaluate(loaded) if ".onnx" in url]
    assert names == [LISTED["sides"]["64"]["file"]]
    page.check(f"{DEMO} [value='128']")
    page.wait_for_selector(f"{DEMO} .live-row canvas[width='128']")
    assert LISTED["sides"]["128"]["file"] in [url.split("/models/")[-1] for url in page.evaluate(loaded)]
    wait_for_ticks(page, 8, DEMO)
    assert len(skills(page)) == 3  # it goes on, with larger frames
    assert page.inner_text(f"{DEMO} [data-part=message]") == ""


def test_a_start_that_failed_can_be_tried_again(open_page):
    page = open_page(PAGE)
    page.route("**/models/video/*", lambda route: route.abort())
    page.click(f"{DEMO} [data-part=start]")
    wait_for_message(page, "The page could not be started")
    page.unroute("**/models/video/*")
    page.click(f"{DEMO} [data-part=start]")
    wait_for_message(page, "Now playing: the bottle.")
    wait_for_ticks(page, 3, DEMO)
    page.click(f"{DEMO} [data-part=pause]")
    assert page.get_attribute(f"{DEMO} [data-part=pause]", "aria-pressed") == "true"


def test_a_file_of_the_readers_plays(open_demo, video):
    page = open_demo()
    with page.expect_file_chooser() as chooser:
        page.click(f"{DEMO} [data-part=open]")
    chooser.value.set_files({"name": "mine.mov", "mimeType": "video/quicktime", "buffer": video})
    wait_for_message(page, "Now playing: mine.mov.")
    wait_for_ticks(page, 30, DEMO)
    assert skills(page)[2] > 0.5
    assert page.problems == []  # and no request but for the book's own files


def test_what_is_no_video_is_said(open_demo):
    page = open_demo()
    file = page.locator(f"{DEMO} [data-part=file]")
    file.set_input_files({"name": "mine.mp4", "mimeType": "video/mp4", "buffer": b"no video at all"})
    wait_for_message(page, "This browser cannot decode mine.mp4.")
    before = ticks(page, DEMO)
    wait_for_ticks(page, 5, DEMO)  # the clip goes on
    assert ticks(page, DEMO) > before


def test_a_refused_camera_is_told(open_demo):
    page = open_demo()
    page.click(f"{DEMO} [data-part=camera]")  # nobody has allowed it
    wait_for_message(page, "The camera was not allowed.")


def test_a_device_without_a_camera_is_told(open_demo):
    page = open_demo()
    none = "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError') } }"
    page.evaluate(none)
    page.click(f"{DEMO} [data-part=camera]")
    wait_for_message(page, "This device has no camera")


def test_the_camera_is_forecast_and_let_go(open_demo):
    page = open_demo(permissions=["camera"])
    page.evaluate("""() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => (globalThis.stream = await ask(wanted));
    }""")
    page.click(f"{DEMO} [data-part=camera]")
    wait_for_message(page, "Now playing: your camera.")
    wait_for_ticks(page, 10, DEMO)
    assert len(skills(page)) == 3
    state = "stream.getTracks().map(track => track.kind + ' ' + track.readyState)"
    assert page.evaluate(state) == ["video live"]
    page.click(f"{DEMO} [data-part=clip]")
    wait_for_message(page, "Now playing: the bottle.")
    assert page.evaluate(state) == ["video ended"]
    assert page.problems == []


def test_ten_frames_ahead(open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 8, DEMO)
    page.click(f"{DEMO} [data-part=roll]")
    said = page.locator(f"{DEMO} [data-part=rollout-said]")
    said.filter(has_text="still to come").wait_for()
    for _ in range(10):
        page.click(f"{DEMO} [data-part=step]")
        wait_for_ticks(page, 2, DEMO)
    said.filter(has_text="10 ahead").wait_for()
    assert page.locator(f"{DEMO} [data-part=forecast] canvas").count() == 10


def test_it_stands_still_with_reduced_motion_and_steps_by_keyboard(open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 10, DEMO)
    before = pictures(page)
    wait_for_ticks(page, 5, DEMO)
    assert pictures(page) == before
    page.focus(f"{DEMO} [data-part=step]")
    page.keyboard.press("Enter")
    wait_for_message(page, f"Frame {LISTED['first'] + 6}. ")
    assert pictures(page) != before


def test_after_a_pause_the_truth_comes_and_after_a_jump_it_does_not(open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 8, DEMO)
    said = page.locator(f"{DEMO} [data-part=rollout-said]")

    def roll():
        page.click(f"{DEMO} [data-part=roll]")
        said.filter(has_text="still to come").wait_for()
        page.click(f"{DEMO} [data-part=pause]")

    roll()
    said.filter(has_text="10 ahead").wait_for()
    page.click(f"{DEMO} [data-part=pause]")
    roll()
    page.fill(f"{DEMO} [data-part=every]", "2")
    said.filter(has_text="will not come").wait_for()


@pytest.mark.parametrize("width", [1280, 400])
def test_everybody_can_use_it(width, open_demo, accessibility_violations):
    page = open_demo(width=width, height=800, reduced_motion="reduce")
    page.click(f"{DEMO} [data-part=roll]")
    page.wait_for_selector(f"{DEMO} [data-part=forecast] canvas")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(DEMO).evaluate("root => root.scrollIntoView()")
    first, last = (
        page.locator(f"{DEMO} {part}").bounding_box() for part in ("[data-part=truth]", ".live-row:nth-child(3)")
    )
    assert last["y"] + last["height"] - first["y"] < 800  # cause and effect are on one screen
    assert accessibility_violations(page, colours=width != 400) == []
