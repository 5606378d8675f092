"""The page in a real browser, on a real agent: a law for each thing that an operator does with it."""

import json
import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.engines.chromium import chromium
from tests.integration.browsing import HOSTILE, Site, Watched, looking, site
from tests.needs import marks

ROWS = ".row"
CSS_PIXELS = 360
LINES_PER_SECOND = 5000
SECONDS = 6
FRAME_MILLISECONDS = 50


@pytest.fixture(scope="module")
@marks("engines")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
@marks("engines")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("page")) as made:
        log = made.tree.container("hostile")
        made.say(log, *HOSTILE)
        yield made


@pytest.fixture
def watched(browser: Browser, here: Site) -> Iterator[Watched]:
    with looking(browser, here) as opened:
        yield opened


@pytest.fixture
def page(watched: Watched) -> Page:
    expect(watched.page.locator(ROWS).first).to_be_visible()
    return watched.page


def search(page: Page, query: str) -> None:
    page.get_by_role("searchbox").fill(query)
    page.get_by_role("searchbox").press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q="))


def test_the_link_opens_the_page_without_the_token_in_its_address(page: Page) -> None:
    assert "token" not in page.url
    expect(page.get_by_role("navigation")).to_contain_text("Containers")


def test_a_search_is_a_url_that_works_after_a_reload(page: Page) -> None:
    search(page, "level:error")
    expect(page.locator(".row:not(.error)")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("level:error")
    expect(page.locator(".row.error").first).to_be_visible()
    expect(page.locator(".row:not(.error)")).to_have_count(0)


def test_a_broken_query_says_what_is_wrong(here: Site, browser: Browser) -> None:
    with looking(browser, here) as watched:
        search(watched.page, "a:(")
        expect(watched.page.locator(".told .problem").first).to_contain_text("the query cannot be read at character")
        watched.wrong = [one for one in watched.wrong if "400" not in one]


def test_a_facet_filters_and_excludes(page: Page) -> None:
    page.get_by_role("button", name="Only container:shop-db-1").click()
    expect(page.get_by_role("searchbox")).to_have_value('container:"shop-db-1"')
    expect(page.locator(".row .name").first).to_have_text("shop-db-1")
    page.get_by_role("button", name="Without level:error").or_(
        page.get_by_role("button", name="Without stream:stderr")
    ).first.click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile(r'^container:"shop-db-1" AND NOT '))


def test_a_drag_over_the_histogram_zooms(page: Page) -> None:
    plot = page.locator(".plot .u-over")
    expect(plot).to_be_visible()
    found = plot.bounding_box()
    assert found is not None
    y = found["y"] + found["height"] / 2
    page.mouse.move(found["x"] + found["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(found["x"] + found["width"] * 0.6, y, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"since=20\d\d-.*until=20\d\d-"))
    expect(page.get_by_role("textbox", name="From")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)  # a range that ended has nothing live


def test_new_lines_come_by_themselves_and_a_pause_holds_them(here: Site, page: Page) -> None:
    log = here.tree.container("living")
    here.say(log, "the first of them")
    row = page.locator(ROWS, has_text="the first of them")
    expect(row).to_be_visible()
    page.locator(".lines").press(" ")
    here.say(log, "the second of them")
    expect(page.get_by_role("button", name=re.compile("Continue .*1 new"))).to_be_visible()
    expect(page.locator(ROWS, has_text="the second of them")).to_have_count(0)
    page.locator(".lines").press(" ")
    expect(page.locator(ROWS, has_text="the second of them")).to_have_count(1)


def test_a_query_is_followed_too(here: Site, page: Page) -> None:
    search(page, "container:asked")
    log = here.tree.container("asked")
    here.say(log, "it is found while it comes")
    expect(page.locator(ROWS, has_text="it is found while it comes")).to_have_count(1)


def test_a_line_opens_to_its_members_which_filter(page: Page) -> None:
    search(page, "container:r-baseService-usercenter-go-3-95f1c1f8 AND level:error")
    page.locator(".row.error").last.click()
    detail = page.get_by_role("complementary", name="Line")
    expect(detail).to_contain_text("logger")
    detail.get_by_role("button", name="Without log.logger").click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile(r'NOT log\.logger:"'))


def test_a_link_to_a_line_shows_it_with_those_around_it(here: Site, page: Page) -> None:
    search(page, "level:warn")
    expect(page.locator(".row.warn").last).to_be_visible()
    page.locator(".row.warn").last.click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".row.marked.selected")).to_have_count(1)
    expect(page.get_by_role("heading", name="Lines around one line of its container")).to_be_visible()
    page.get_by_role("button", name="of all containers").click()
    expect(page.get_by_role("heading", name="Lines around one line of all containers")).to_be_visible()
    expect(page.locator(".row.marked.selected")).to_have_count(1)


def test_keys_move_filter_and_find(page: Page) -> None:
    lines = page.locator(".lines")
    lines.press(" ")
    lines.press("g")
    selected = page.locator(".row.selected .text")
    expect(selected).to_have_count(1)
    first = selected.inner_text()
    lines.press("j")
    expect(selected).not_to_have_text(first)
    lines.press("k")
    expect(selected).to_have_text(first)
    lines.press("e")
    expect(page.locator(".row.error.selected")).to_have_count(1)
    lines.press("Enter")
    expect(page.get_by_role("complementary", name="Line")).to_be_visible()
    lines.press("Escape")
    expect(page.get_by_role("complementary", name="Line")).to_have_count(0)
    lines.press("x")
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^NOT container:"))
    lines.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    lines.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("searchbox").fill("shop-w")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("container.*shop-w"))


def test_older_lines_come_when_the_list_is_scrolled_up(page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    page.locator(".lines").press("g")
    shown = re.compile(r"(1,\d\d\d|[2-9],\d\d\d) shown")
    expect(page.locator(".told")).to_contain_text(shown)


def test_containers_are_listed_sorted_and_lead_to_their_lines(page: Page) -> None:
    page.get_by_role("link", name="Containers").click()
    rows = page.locator("table.containers tbody tr")
    expect(rows.filter(has_text="shop-checkout-1")).to_contain_text("healthy")
    page.get_by_role("button", name="Sort by Lines").click()
    expect(page.get_by_role("columnheader", name="Sort by Lines")).to_have_attribute("aria-sort", "descending")
    expect(rows.filter(has_text="shop-web-1").locator("polyline")).to_have_count(1)
    page.get_by_role("link", name="shop-db-1").click()
    expect(page.locator(".row .name").first).to_have_text("shop-db-1")


def test_patterns_count_lines_that_differ_in_numbers(page: Page) -> None:
    page.get_by_role("link", name="Patterns").click()
    first = page.locator("table.patterns tbody tr").first
    expect(first).to_contain_text("<…>")
    first.get_by_role("link").click()
    expect(page.locator(".row.marked")).to_have_count(1)


def test_deliveries_add_up_and_stand_below_each_view(page: Page) -> None:
    said = re.compile(r"([\d,]+) read = ([\d,]+) acknowledged")
    expect(page.locator("footer")).to_contain_text(said)
    page.get_by_role("link", name="Delivery", exact=True).click()
    expect(page.locator(".identity")).to_contain_text(said)
    expect(page.get_by_role("region", name="local")).to_contain_text("Complete until")
    expect(page.get_by_role("region", name="dead letters")).to_contain_text("No dead letters")


def test_a_download_tells_its_size_first_and_has_what_the_query_says(page: Page) -> None:
    search(page, "container:shop-db-1")
    page.get_by_role("button", name="Download").click()
    told = page.locator(".size")
    expect(told).to_have_text(re.compile(r"[\d,]+ lines, about \d"))
    page.get_by_label("Download as").select_option("ndjson")
    expect(told).to_have_text(re.compile(r"[\d,]+ lines, about \d"))
    count = int(told.inner_text().split()[0].replace(",", ""))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert len(lines) == count
    assert {json.loads(line)["docker_container"] for line in lines} == {"shop-db-1"}


def test_hostile_lines_are_text(page: Page) -> None:
    search(page, "container:hostile")
    expect(page.locator(ROWS)).to_have_count(len(HOSTILE))
    texts = page.locator(".row .text").all_inner_texts()
    shown = "\n".join(texts)
    assert "<img src=x onerror=" in shown
    assert "<script>" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", shown)
    assert max(map(len, texts)) < 3000
    for index in range(len(HOSTILE)):
        page.locator(f"#line-{index}").click()
        expect(page.get_by_role("complementary", name="Line")).to_be_visible()
    assert page.locator(".lines img, .lines script, .lines svg, .detail img, .detail script, .detail svg").count() == 0
    assert page.title() == "Pilotfish"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", ["logs", "logs?q=level:error", "containers", "patterns", "delivery"])
def test_everybody_can_read_and_reach_it(browser: Browser, here: Site, view: str, dark: bool) -> None:
    with looking(browser, here, dark=dark) as watched:
        watched.page.goto(here.view(view))
        expect(watched.page.locator("footer b").first).to_be_visible()
        shown = {"logs": ROWS, "containers": ".spark", "patterns": "tbody tr", "delivery": ".identity"}
        expect(watched.page.locator(shown[view.split("?")[0]]).first).to_be_visible()
        if view == "logs?q=level:error":
            watched.page.locator(ROWS).last.click()
            expect(watched.page.locator(".detail")).to_be_visible()
        found = Axe().run(watched.page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("view", ["logs", "containers", "patterns", "delivery"])
def test_it_fits_a_small_screen(browser: Browser, here: Site, view: str) -> None:
    with looking(browser, here, width=CSS_PIXELS, height=740) as watched:
        watched.page.goto(here.view(view))
        expect(watched.page.locator("footer b").first).to_be_visible()
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= CSS_PIXELS


def test_the_theme_is_turned_and_kept(page: Page) -> None:
    page.locator(".lines").press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_it_speaks_chinese(here: Site, page: Page) -> None:
    page.goto(f"http://{here.agent.address}/?lang=zh#/containers")
    expect(page.get_by_role("navigation")).to_contain_text("容器")
    expect(page.locator("html")).to_have_attribute("lang", "zh")


def test_a_session_cannot_let_anything_be_done(browser: Browser, here: Site) -> None:
    with looking(browser, here) as watched:
        answer = watched.page.evaluate(
            "fetch('api/v1/dead-letters/replay', {method: 'POST'}).then((one) => one.status)"
        )
        assert answer == 401
        watched.wrong = [one for one in watched.wrong if "401" not in one]


def test_without_a_session_the_page_says_what_to_open(browser: Browser, here: Site) -> None:
    with looking(browser, here) as watched:
        watched.page.context.clear_cookies()
        watched.page.reload()
        expect(watched.page.get_by_role("alert")).to_contain_text("Open the link")
        watched.wrong = [one for one in watched.wrong if "401" not in one]


def test_a_burst_is_drawn_in_little_time_per_frame(here: Site, page: Page) -> None:
    """The law is of the work per frame, which other programs of the machine do not change much; frames are told."""
    log = here.tree.container("burst")
    page.evaluate(_WATCH_FRAMES)
    for second in range(SECONDS):
        for tenth in range(10):
            begun = time.monotonic()
            numbers = range(LINES_PER_SECOND // 10)
            here.say(
                log, *(json.dumps({"level": "info", "message": f"line {second} {tenth} {one}"}) for one in numbers)
            )
            page.wait_for_timeout(max(0.0, 100 - 1000 * (time.monotonic() - begun)))  # the rate, no wait for a result
    expect(page.locator(ROWS, has_text=f"line {SECONDS - 1} 9 {LINES_PER_SECOND // 10 - 1}")).to_have_count(1)
    told = page.evaluate(
        "({frames: window.frames_, rows: performance.getEntriesByName('rows').map((e) => e.duration)})"
    )
    work, frames = sorted(told["rows"]), sorted(told["frames"])
    for name, values in {"work": work, "frame": frames}.items():
        print(f"{name}: {len(values)}, median {values[len(values) // 2]:.1f} ms, longest {values[-1]:.1f} ms")
    print(f"frames over {FRAME_MILLISECONDS} ms: {sum(one > FRAME_MILLISECONDS for one in frames)}")
    assert work[int(len(work) * 0.95)] < FRAME_MILLISECONDS / 2
    assert page.locator(ROWS).count() < 100  # whatever came, what is seen has elements


_WATCH_FRAMES = """() => {
  window.frames_ = [];
  let before = performance.now();
  const next = (now) => { window.frames_.push(now - before); before = now; requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""
