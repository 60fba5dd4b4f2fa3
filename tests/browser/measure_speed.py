"""How fast the book is in headless Chromium. Timings are noisy, so no test depends on them: `make page-speed` does.

Read its tables on a machine that does nothing else.
"""

from built_book import WRITTEN
from live_page import PAGE, listed, of_side, of_the_light

LARGEST_PAINT = 1.5  # seconds
FEWEST = 10  # forecasts a second, of each network
FEWEST_OF = {"video of 64×64": 15, "a world you steer": 30, "a fan of futures, drawer": 60}  # a fan takes 60

PAINTED = """() => new Promise(resolve => new PerformanceObserver(list => resolve(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""
FORECASTS = """async (about) => {
    const networks = await import(new URL("../live/networks.js", location.href));
    const predict = await networks.load(about);
    const context = new Float32Array(about.frames * about.side ** 2).fill(0.5);
    await predict(context, 0);
    const began = performance.now();
    for (let count = 0; count < 50; count++) await predict(context, 0);
    return 50_000 / (performance.now() - began);
}"""


def test_the_largest_part_is_painted_soon(browser, site, capsys):
    seconds = {}
    for name in WRITTEN:
        context = browser.new_context(viewport={"width": 1280, "height": 900})  # nothing is cached yet
        page = context.new_page()
        page.goto(f"{site}/{name}", wait_until="networkidle")
        seconds[name] = page.evaluate(PAINTED) / 1000
        context.close()
    with capsys.disabled():
        print("\n\nlargest paint after")
        for name, painted in seconds.items():
            print(f"  {painted:.2f} s  {name}")
    assert max(seconds.values()) < LARGEST_PAINT


def test_networks_forecast_in_real_time(open_page, capsys):
    page = open_page(PAGE)
    asked = {about["name"]: about for about in listed("digits")}
    asked |= {f"{of['name']}, for the light": of_the_light(of["name"], 12) for of in listed("memory")["networks"]}
    asked |= {f"video of {side}×{side}": of_side(side) for side in (64, 128)}
    asked["a world you steer"] = listed("steer")
    asked |= {f"a fan of futures, {part}": about for part, about in listed("futures").items()}
    rates = {name: page.evaluate(FORECASTS, about) for name, about in asked.items()}
    with capsys.disabled():
        print("\n\nforecasts a second, on one core")
        for name, rate in rates.items():
            print(f"  {rate:4.0f}  {name}")
    assert min(rates.values()) > FEWEST
    assert all(rates[name] > fewest for name, fewest in FEWEST_OF.items())
