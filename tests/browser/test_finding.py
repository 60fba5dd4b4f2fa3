"""A reader finds what they came for: by search, and page by page."""

import yaml
from set_repository import ROOT

WORDS = {
    "01_windowing": "sliding window",
    "02_baselines_and_metrics": "optical flow",
    "03_dense_lstm": "dense lstm",
    "04_frames_as_channels": "frames as channels",
    "05_conv3d": "conv3d",
    "06_time_distributed": "inceptionv3",
    "07_conv_lstm": "convlstm2d",
    "08_stacked_hybrids": "pooling",
    "09_verdict": "which architecture",
    "10_beyond_one_frame": "rollouts",
    "11_your_own_video": "your own video",
    "12_after_2017": "predformer",
    "13_many_futures": "energy score",
    "14_a_world_you_steer": "world model",
}
# What readers call it, and the page that answers them
SYNONYMS = {
    "grayscale": "book/glossary",
    "gray": "book/glossary",
    "own dataset": "notebooks/11_your_own_video",
    "custom dataset": "notebooks/11_your_own_video",
    "data leakage": "book/glossary",
    "load_model": "notebooks/11_your_own_video",
    "mixed precision": "book/glossary",
    "variable length": "book/glossary",
    "multi-step": "notebooks/10_beyond_one_frame",
    "autoregressive": "notebooks/10_beyond_one_frame",
    "radar": "notebooks/11_your_own_video",
    "satellite": "notebooks/11_your_own_video",
    "scene cut": "notebooks/11_your_own_video",
    "color": "notebooks/11_your_own_video",
    "colour": "notebooks/11_your_own_video",
    "NaN loss": "notebooks/11_your_own_video",
    "OOM": "notebooks/11_your_own_video",
    "binary crossentropy": "notebooks/04_frames_as_channels",
    "golden rules": "book/golden_rules",
    "history": "book/history",
    "diffusion": "book/history",
    "transformer": "notebooks/12_after_2017",
    "attention": "notebooks/12_after_2017",
    "blurry": "notebooks/13_many_futures",
    "stochastic": "notebooks/13_many_futures",
    "uncertainty": "notebooks/13_many_futures",
    "playable": "notebooks/14_a_world_you_steer",
    "drift": "book/glossary",
}
PAGES = [
    chapter["file"] for part in yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"] for chapter in part["chapters"]
]


def test_every_chapter_has_words_to_find_it_by():
    assert sorted(WORDS) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def pages_found(open_page, searches):
    """The pages that each of these searches finds, the best first."""
    page = open_page("search.html")
    found = {}
    for words in searches:
        page.goto(f"{page.url.split('?')[0]}?q={words.replace(' ', '+')}")
        page.wait_for_function("document.querySelector('.search-summary')?.innerText")  # comes after the last hit
        links = [link.get_attribute("href") for link in page.locator("#search-results li > a").all()]
        found[words] = [address.split(".html")[0] for address in links]
    assert page.problems == []
    return found


def test_search_finds_every_chapter(open_page):
    found = pages_found(open_page, WORDS.values())
    assert [name for name, words in WORDS.items() if f"notebooks/{name}" not in found[words]] == []


def test_a_readers_word_leads_to_the_page_that_answers_it(open_page):
    found = pages_found(open_page, SYNONYMS)
    assert [words for words, name in SYNONYMS.items() if name not in found[words][:2]] == []


def test_the_next_page_leads_through_the_whole_book(open_page):
    page = open_page("book/intro.html")
    for name in PAGES:
        page.click("a.right-next")
        assert page.url.endswith(f"/{name}.html")
